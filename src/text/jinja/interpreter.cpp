#include "text/jinja/interpreter.h"

#include <algorithm>

#include "text/jinja/access.h"
#include "text/jinja/repr.h"

namespace tinyllm::jinja {

using Kind = Statement::Kind;

MarkedText Interpreter::run(const Body& body) {
  TextBuilder out(runtime_);
  out_ = &out;
  run_body(body);
  return out.take();
}

Interpreter::Flow Interpreter::run_body(const Body& body) {
  for (const Statement& statement : body) {
    const Flow flow = run_statement(statement);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::run_statement(const Statement& statement) {
  const DepthGuard guard(runtime_);
  runtime_.position = statement.position;
  runtime_.step();
  switch (statement.kind) {
    case Kind::text: out_->append(statement.text.string()->marked); break;
    case Kind::output:
      for (const ExprPtr& expr : statement.expressions) {
        append_str(*out_, runtime_, evaluate(*expr));
      }
      break;
    case Kind::if_chain: return run_if(statement);
    case Kind::for_loop: return run_for(statement);
    case Kind::set: assign(*statement.target, evaluate(*statement.expressions[0])); break;
    case Kind::set_block: return run_set_block(statement);
    case Kind::macro: run_macro(statement); break;
    case Kind::call_block: run_call_block(statement); break;
    case Kind::filter_block: return run_filtered(statement);
    case Kind::with: return run_with(statement);
    case Kind::scope: return run_in_new_scope(statement.body);
    case Kind::block: return run_block(statement);
    case Kind::break_loop: return Flow::break_loop;
    case Kind::continue_loop: return Flow::continue_loop;
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::run_if(const Statement& statement) {
  for (const Statement::Branch& branch : statement.branches) {
    if (is_true(evaluate(*branch.condition))) return run_body(branch.body);
  }
  return run_body(statement.else_body);
}

Interpreter::Flow Interpreter::run_in_new_scope(const Body& body) {
  Scope* outer = scope_;
  scope_ = runtime_.push_scope(outer);
  const Flow flow = run_body(body);
  runtime_.pop_scope(scope_);
  scope_ = outer;
  return flow;
}

std::vector<Value> Interpreter::filtered_items(const Statement& loop, std::vector<Value> items) {
  std::vector<Value> kept;
  Scope* outer = scope_;
  scope_ = runtime_.push_scope(outer);
  for (Value& item : items) {
    assign(*loop.target, item);
    if (is_true(evaluate(*loop.condition))) kept.push_back(std::move(item));
  }
  runtime_.pop_scope(scope_);
  scope_ = outer;
  return kept;
}

// Every turn has a scope of its own: what a body sets is gone in the next turn. As in Jinja2, the
// else part also runs when break or continue ended every turn.
Interpreter::Flow Interpreter::run_for(const Statement& statement) {
  const Value iterable = evaluate(*statement.expressions[0]);
  runtime_.position = statement.expressions[0]->position;
  return run_loop(statement, iterable, 0);
}

Interpreter::Flow Interpreter::run_loop(const Statement& statement, const Value& iterable,
                                        std::size_t depth0) {
  std::vector<Value> items = iterate(runtime_, iterable);
  if (statement.condition != nullptr) items = filtered_items(statement, std::move(items));
  LoopState* loop = runtime_.new_loop();
  loop->items = std::move(items);
  loop->depth0 = depth0;
  Scope* outer = scope_;
  if (statement.is_recursive) {
    loop->recursive = &statement;
    loop->scope = outer;
    Runtime::capture(outer);
  }
  Flow flow = Flow::next;
  bool has_finished_turn = false;
  for (; loop->index0 < loop->items.size() && flow != Flow::break_loop; ++loop->index0) {
    scope_ = runtime_.push_scope(outer);
    scope_->set("loop", Value{loop});
    runtime_.position = statement.target->position;
    assign(*statement.target, loop->items[loop->index0]);
    flow = run_body(statement.body);
    has_finished_turn = has_finished_turn || flow == Flow::next;
    runtime_.pop_scope(scope_);
    scope_ = outer;
  }
  return has_finished_turn ? Flow::next : run_in_new_scope(statement.else_body);
}

// As a template that nobody extends: in its place, but it sees no variables of loops and blocks
// around it unless it is scoped.
Interpreter::Flow Interpreter::run_block(const Statement& statement) {
  if (statement.is_required) runtime_.fail("a required block that no other template fills");
  Scope* outer = scope_;
  if (!statement.is_scoped) scope_ = top_scope_;
  const Flow flow = run_in_new_scope(statement.body);
  scope_ = outer;
  return flow;
}

std::pair<MarkedText, Interpreter::Flow> Interpreter::text_of(const Body& body) {
  TextBuilder inner(runtime_);
  TextBuilder* outer = std::exchange(out_, &inner);
  const Flow flow = run_in_new_scope(body);
  out_ = outer;
  return {inner.take(), flow};
}

Value Interpreter::through_filter(const Statement& statement, MarkedText text) {
  Value value = runtime_.string(std::move(text));
  if (statement.expressions.empty()) return value;
  Value outer = std::exchange(block_text_, std::move(value));
  Value result = evaluate(*statement.expressions[0]);
  block_text_ = std::move(outer);
  return result;
}

Interpreter::Flow Interpreter::run_filtered(const Statement& statement) {
  auto [text, flow] = text_of(statement.body);
  if (flow != Flow::next) return flow;
  const Value result = through_filter(statement, std::move(text));
  if (result.string() == nullptr) {  // as in Jinja2, which joins pieces and converts none of them
    runtime_.fail("the filter block made {}, must be a string", type_name(result));
  }
  out_->append(result.string()->marked);
  return Flow::next;
}

Interpreter::Flow Interpreter::run_set_block(const Statement& statement) {
  auto [text, flow] = text_of(statement.body);
  if (flow != Flow::next) return flow;
  assign(*statement.target, through_filter(statement, std::move(text)));
  return Flow::next;
}

Interpreter::Flow Interpreter::run_with(const Statement& statement) {
  std::vector<Value> values;  // evaluated outside, before any of the names exists
  for (const ExprPtr& expr : statement.expressions) values.push_back(evaluate(*expr));
  Scope* outer = scope_;
  scope_ = runtime_.push_scope(outer);
  for (std::size_t i = 0; i < values.size(); ++i) assign(*statement.targets[i], values[i]);
  const Flow flow = run_body(statement.body);
  runtime_.pop_scope(scope_);
  scope_ = outer;
  return flow;
}

void Interpreter::assign(const Expr& target, const Value& value) {
  if (target.kind == Expr::Kind::name) {
    runtime_.look_through(scope_->variables.size());
    return scope_->set(target.name, value);
  }
  if (target.kind == Expr::Kind::namespace_attribute) {
    runtime_.position = target.position;
    const Value owner = evaluate_name(target);
    const auto* space = std::get_if<Namespace*>(&owner.data);
    if (space == nullptr) {
      runtime_.fail("'{}' is not a namespace, its attributes cannot be set", target.name);
    }
    if (target.attribute.starts_with('_')) {
      runtime_.fail("namespace: the name '{}' begins with an underscore", target.attribute);
    }
    runtime_.look_through((*space)->attributes.size());
    for (auto& [name, old] : (*space)->attributes) {
      if (name == target.attribute) {
        old = value;
        return;
      }
    }
    runtime_.allocate(sizeof(Value) + target.attribute.size());
    (*space)->attributes.emplace_back(target.attribute, value);
    return;
  }
  runtime_.position = target.position;
  const std::vector<Value> items = iterate(runtime_, value);
  if (items.size() != target.operands.size()) {
    runtime_.fail("cannot unpack {} values into {} names", items.size(), target.operands.size());
  }
  for (std::size_t i = 0; i < items.size(); ++i) assign(*target.operands[i], items[i]);
}

Value Interpreter::macro_value(const std::shared_ptr<const MacroNode>& macro) {
  CallablePayload payload;
  payload.macro = macro.get();
  payload.scope = scope_;
  Runtime::capture(scope_);
  return runtime_.callable(std::move(payload));
}

void Interpreter::run_macro(const Statement& statement) {
  scope_->set(statement.macro->name, macro_value(statement.macro));
}

void Interpreter::run_call_block(const Statement& statement) {
  const Value caller = macro_value(statement.macro);
  append_str(*out_, runtime_, evaluate_call(*statement.expressions[0], &caller));
}

namespace {

// Moves the argument called `name` out of `args`; false when there is none.
bool take_named(CallArgs& args, std::string_view name, Value& value) {
  for (auto argument = args.named.begin(); argument != args.named.end(); ++argument) {
    if (argument->first != name) continue;
    value = std::move(argument->second);
    args.named.erase(argument);
    return true;
  }
  return false;
}

}  // namespace

// Into the current scope, which lies below the macro's own place;
// defaults see the parameters before them.
void Interpreter::bind_parameters(const MacroNode& macro, CallArgs args) {
  const std::size_t n_bound = std::min(args.positional.size(), macro.parameters.size());
  for (std::size_t i = 0; i < macro.parameters.size(); ++i) {
    const MacroParameter& parameter = macro.parameters[i];
    Value named;
    if (i < n_bound) {
      scope_->set(parameter.name, args.positional[i]);
    } else if (take_named(args, parameter.name, named)) {
      scope_->set(parameter.name, std::move(named));
    } else if (parameter.default_value != nullptr) {
      scope_->set(parameter.name, evaluate(*parameter.default_value));
    } else {
      scope_->set(parameter.name,
                  make_undefined("parameter '" + parameter.name + "' was not provided"));
    }
  }
  if (macro.uses_caller && scope_->find("caller") == nullptr) {
    Value caller = make_undefined("No caller defined");
    take_named(args, "caller", caller);
    scope_->set("caller", std::move(caller));
  }
  if (macro.uses_kwargs) {
    std::vector<std::pair<Value, Value>> entries;
    for (const auto& [name, value] : args.named) entries.emplace_back(make_text(name), value);
    scope_->set("kwargs", runtime_.dict(std::move(entries)));
  } else if (!args.named.empty()) {
    runtime_.fail("macro '{}' takes no argument named '{}'", macro.name, args.named[0].first);
  }
  if (macro.uses_varargs) {
    args.positional.erase(args.positional.begin(),
                          args.positional.begin() + static_cast<std::ptrdiff_t>(n_bound));
    scope_->set("varargs", runtime_.tuple(std::move(args.positional)));
  } else if (args.positional.size() > n_bound) {
    runtime_.fail("macro '{}' takes at most {} arguments, {} given", macro.name, n_bound,
                  args.positional.size());
  }
}

// loop(items): the loop once more, one level deeper, where it stands; its text is the result.
Value Interpreter::call_loop(const LoopState& loop, const CallArgs& args) {
  if (loop.recursive == nullptr) {
    runtime_.fail("the loop must have the 'recursive' marker to be called");
  }
  if (args.positional.size() != 1 || !args.named.empty()) runtime_.fail("loop takes one argument");
  const DepthGuard guard(runtime_);
  Scope* outer = std::exchange(scope_, loop.scope);
  TextBuilder inner(runtime_);
  TextBuilder* outer_out = std::exchange(out_, &inner);
  run_loop(*loop.recursive, args.positional[0], loop.depth0 + 1);
  out_ = outer_out;
  scope_ = outer;
  return runtime_.string(inner.take());
}

Value Interpreter::call_joiner(Cycle& joiner, const CallArgs& args) {
  if (!args.positional.empty() || !args.named.empty()) runtime_.fail("a joiner takes no arguments");
  if (joiner.position != 0) return joiner.items[0];
  joiner.position = 1;
  return make_text("");
}

Value Interpreter::call_macro(const CallablePayload& callable, CallArgs args) {
  const DepthGuard guard(runtime_);
  const MacroNode& macro = *callable.macro;
  Scope* outer = scope_;
  scope_ = runtime_.push_scope(callable.scope);
  bind_parameters(macro, std::move(args));
  TextBuilder inner(runtime_);
  TextBuilder* outer_out = std::exchange(out_, &inner);
  run_body(macro.body);
  out_ = outer_out;
  runtime_.pop_scope(scope_);
  scope_ = outer;
  return runtime_.string(inner.take());
}

}  // namespace tinyllm::jinja

// The expressions of the interpreter.

#include "text/jinja/access.h"
#include "text/jinja/builtins.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/operators.h"
#include "text/jinja/repr.h"

namespace tinyllm::jinja {

using Kind = Expr::Kind;

Value Interpreter::evaluate(const Expr& expr) {
  const DepthGuard guard(runtime_);
  runtime_.step();
  switch (expr.kind) {
    case Kind::constant: return expr.constant;
    case Kind::name:
    case Kind::namespace_attribute: return evaluate_name(expr);
    case Kind::block_text: return block_text_;
    case Kind::list:
    case Kind::tuple: return evaluate_sequence(expr);
    case Kind::dict: return evaluate_dict(expr);
    case Kind::attribute: {
      const Value object = evaluate(*expr.operands[0]);
      runtime_.position = expr.position;
      return get_attribute(runtime_, object, expr.attribute);
    }
    case Kind::subscript: {
      const Value object = evaluate(*expr.operands[0]);
      const Value key = evaluate(*expr.operands[1]);
      runtime_.position = expr.position;
      return get_item(runtime_, object, key);
    }
    case Kind::slice: return evaluate_slice(expr);
    case Kind::call: return evaluate_call(expr);
    case Kind::filter: return evaluate_filter(expr);
    case Kind::test: return evaluate_test(expr);
    case Kind::logical_not: return make_bool(!is_true(evaluate(*expr.operands[0])));
    case Kind::logical_and: {
      Value left = evaluate(*expr.operands[0]);
      return is_true(left) ? evaluate(*expr.operands[1]) : left;
    }
    case Kind::logical_or: {
      Value left = evaluate(*expr.operands[0]);
      return is_true(left) ? left : evaluate(*expr.operands[1]);
    }
    case Kind::compare: return evaluate_compare(expr);
    case Kind::concat: return evaluate_concat(expr);
    case Kind::negative:
    case Kind::positive:
    case Kind::binary: return evaluate_binary(expr);
    case Kind::conditional: return evaluate_conditional(expr);
  }
  return {};
}

Value Interpreter::evaluate_name(const Expr& expr) {
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    runtime_.look_through(scope->variables.size());
    if (const Value* found = scope->find(expr.name)) return *found;
  }
  if (const NativeFunction* function = find_global(expr.name)) {
    CallablePayload payload;
    payload.native = function;
    return runtime_.callable(std::move(payload));
  }
  runtime_.position = expr.position;
  if (is_unsupported_global(expr.name)) {
    runtime_.unsupported("function '{}' is not supported", expr.name);
  }
  return make_undefined("'" + expr.name + "' is undefined");
}

Value Interpreter::evaluate_sequence(const Expr& expr) {
  std::vector<Value> items;
  for (const ExprPtr& operand : expr.operands) items.push_back(evaluate(*operand));
  runtime_.position = expr.position;
  return runtime_.sequence(expr.kind == Kind::list ? SequenceKind::list : SequenceKind::tuple,
                           std::move(items));
}

Value Interpreter::evaluate_dict(const Expr& expr) {
  std::vector<std::pair<Value, Value>> entries;
  for (std::size_t i = 0; i < expr.operands.size(); i += 2) {
    Value key = evaluate(*expr.operands[i]);
    Value value = evaluate(*expr.operands[i + 1]);
    runtime_.position = expr.position;
    if (!is_hashable(key)) runtime_.fail("'{}' cannot be a key of a dict", type_name(key));
    bool is_new = true;
    for (auto& [other, old] : entries) {
      if (!equals(runtime_, other, key)) continue;
      old = value;
      is_new = false;
    }
    if (is_new) entries.emplace_back(std::move(key), std::move(value));
  }
  return runtime_.dict(std::move(entries));
}

Value Interpreter::evaluate_slice(const Expr& expr) {
  const Value object = evaluate(*expr.operands[0]);
  Value bounds[3];
  const Value* given[3] = {};
  for (std::size_t i = 0; i < 3; ++i) {
    if (expr.operands[i + 1] == nullptr) continue;
    bounds[i] = evaluate(*expr.operands[i + 1]);
    given[i] = &bounds[i];
  }
  runtime_.position = expr.position;
  return get_slice(runtime_, object, given[0], given[1], given[2]);
}

CallArgs Interpreter::evaluate_arguments(const ArgumentList& arguments) {
  CallArgs args;
  for (const ExprPtr& argument : arguments.positional) {
    args.positional.push_back(evaluate(*argument));
  }
  for (const auto& [name, argument] : arguments.named) {
    args.named.emplace_back(name, evaluate(*argument));
  }
  if (arguments.star != nullptr) {
    for (Value& item : iterate(runtime_, evaluate(*arguments.star))) {
      args.positional.push_back(std::move(item));
    }
  }
  if (arguments.double_star != nullptr) {
    const Value named = evaluate(*arguments.double_star);
    if (named.dict() == nullptr) runtime_.fail("** needs a mapping, not {}", type_name(named));
    for (const auto& [name, value] : named.dict()->entries) {
      if (name.string() == nullptr) runtime_.fail("** needs strings as keys");
      args.named.emplace_back(name.string()->marked.text, value);
    }
  }
  return args;
}

Value Interpreter::evaluate_call(const Expr& expr, const Value* caller) {
  const Value function = evaluate(*expr.operands[0]);
  CallArgs args = evaluate_arguments(expr.arguments);
  if (caller != nullptr) args.named.emplace_back("caller", *caller);
  runtime_.position = expr.operands[0]->position;
  return call(function, std::move(args));
}

Value Interpreter::call(const Value& function, CallArgs args) {
  if (function.is_undefined()) runtime_.fail_undefined(function);
  if (const auto* loop = std::get_if<LoopState*>(&function.data)) return call_loop(**loop, args);
  if (const auto* cycle = std::get_if<Cycle*>(&function.data); cycle && (*cycle)->is_joiner) {
    return call_joiner(**cycle, args);
  }
  const CallablePayload* callable = function.callable();
  if (callable == nullptr) runtime_.fail("'{}' object cannot be called", type_name(function));
  if (callable->macro != nullptr) return call_macro(*callable, std::move(args));
  return callable->native->run(runtime_, callable->self, args);
}

Value Interpreter::evaluate_filter(const Expr& expr) {
  const Value value = evaluate(*expr.operands[0]);
  const CallArgs args = evaluate_arguments(expr.arguments);
  runtime_.position = expr.position;
  if (expr.filter == nullptr) runtime_.unsupported("filter '{}' is not known", expr.name);
  return expr.filter->run(runtime_, value, args);
}

Value Interpreter::evaluate_test(const Expr& expr) {
  const Value value = evaluate(*expr.operands[0]);
  const CallArgs args = evaluate_arguments(expr.arguments);
  runtime_.position = expr.position;
  if (expr.test == nullptr) runtime_.unsupported("test '{}' is not known", expr.name);
  return make_bool(expr.test->run(runtime_, value, args));
}

Value Interpreter::evaluate_compare(const Expr& expr) {
  Value left = evaluate(*expr.operands[0]);
  for (std::size_t i = 0; i < expr.compare_ops.size(); ++i) {
    Value right = evaluate(*expr.operands[i + 1]);
    runtime_.position = expr.position;
    if (!compare(runtime_, expr.compare_ops[i], left, right)) return make_bool(false);
    left = std::move(right);
  }
  return make_bool(true);
}

Value Interpreter::evaluate_concat(const Expr& expr) {
  TextBuilder out(runtime_);
  for (const ExprPtr& operand : expr.operands) {
    const Value value = evaluate(*operand);
    runtime_.position = expr.position;
    append_str(out, runtime_, value);
  }
  return runtime_.string(out.take());
}

Value Interpreter::evaluate_binary(const Expr& expr) {
  const Value left = evaluate(*expr.operands[0]);
  if (expr.kind != Kind::binary) {
    runtime_.position = expr.position;
    return expr.kind == Kind::negative ? negative(runtime_, left) : positive(runtime_, left);
  }
  const Value right = evaluate(*expr.operands[1]);
  runtime_.position = expr.position;
  return binary(runtime_, expr.binary_op, left, right);
}

Value Interpreter::evaluate_conditional(const Expr& expr) {
  if (is_true(evaluate(*expr.operands[0]))) return evaluate(*expr.operands[1]);
  if (expr.operands.size() > 2) return evaluate(*expr.operands[2]);
  return make_undefined("the inline if was false and has no else");
}

}  // namespace tinyllm::jinja

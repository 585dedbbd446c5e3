#pragma once
// Walks a parsed template and writes its text. One interpreter per render, one thread.

#include <utility>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

class Interpreter {
 public:
  // `runtime` holds the variables of the render in `variables` and outlives the interpreter.
  Interpreter(Runtime& runtime, Scope* variables)
      : runtime_(runtime), scope_(variables), top_scope_(variables) {}

  MarkedText run(const Body& body);

 private:
  enum class Flow { next, break_loop, continue_loop };

  // Statements.
  Flow run_body(const Body& body);
  Flow run_statement(const Statement& statement);
  Flow run_if(const Statement& statement);
  Flow run_for(const Statement& statement);
  Flow run_loop(const Statement& statement, const Value& iterable, std::size_t depth0);
  Flow run_block(const Statement& statement);
  Flow run_in_new_scope(const Body& body);
  Flow run_filtered(const Statement& statement);
  Flow run_set_block(const Statement& statement);
  Flow run_with(const Statement& statement);
  void run_macro(const Statement& statement);
  void run_call_block(const Statement& statement);
  void assign(const Expr& target, const Value& value);
  std::vector<Value> filtered_items(const Statement& loop, std::vector<Value> items);
  // The text that the body writes, and whether a loop was left inside it.
  std::pair<MarkedText, Flow> text_of(const Body& body);
  Value through_filter(const Statement& statement, MarkedText text);

  // Expressions.
  Value evaluate(const Expr& expr);
  Value evaluate_name(const Expr& expr);
  Value evaluate_sequence(const Expr& expr);
  Value evaluate_dict(const Expr& expr);
  Value evaluate_slice(const Expr& expr);
  Value evaluate_call(const Expr& expr, const Value* caller = nullptr);
  Value evaluate_filter(const Expr& expr);
  Value evaluate_test(const Expr& expr);
  Value evaluate_compare(const Expr& expr);
  Value evaluate_concat(const Expr& expr);
  Value evaluate_binary(const Expr& expr);
  Value evaluate_conditional(const Expr& expr);
  CallArgs evaluate_arguments(const ArgumentList& arguments);

  Value call(const Value& function, CallArgs args);
  Value call_macro(const CallablePayload& callable, CallArgs args);
  Value call_loop(const LoopState& loop, const CallArgs& args);
  Value call_joiner(Cycle& joiner, const CallArgs& args);
  void bind_parameters(const MacroNode& macro, CallArgs args);
  Value macro_value(const std::shared_ptr<const MacroNode>& macro);

  Runtime& runtime_;
  Scope* scope_;
  Scope* top_scope_;  // of the whole template: what a block sees
  TextBuilder* out_ = nullptr;
  Value block_text_;  // what Expr::Kind::block_text stands for
};

}  // namespace tinyllm::jinja

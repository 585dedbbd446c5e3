#pragma once
// Expressions: the part of the grammar inside tags. Operators by precedence stand in
// expression_parser.cpp, what they work on in operand_parser.cpp. One parse, one
// thread.

#include <string>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/token_stream.h"

namespace tinyllm::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  ExprPtr expression(bool with_conditional = true);
  // One expression, or a tuple without parentheses. `end_name`: a name that ends it ("in").
  ExprPtr tuple_or_expression(bool with_conditional = true, std::string_view end_name = "");
  // What can be assigned to: a name, ns.name, or a tuple of them.
  ExprPtr assignment_target(bool with_namespace, std::string_view end_name = "");
  // The rest of "| name | name(args)", applied to `input`. With `is_first` no bar stands before
  // the first name.
  ExprPtr filter_chain(ExprPtr input, bool is_first = false);

  // One level of nesting, of statements as of expressions: at most kMaxTreeDepth together.
  void enter(Position position);
  void leave() { --nesting_; }

  // Every name read so far; macros look here for varargs, kwargs and caller.
  const std::vector<std::string>& names_read() const { return names_read_; }

 private:
  ExprPtr conditional();
  ExprPtr logical_or();
  ExprPtr logical_and();
  ExprPtr logical_not();
  ExprPtr compare();
  ExprPtr sum();
  ExprPtr concat();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary(bool with_filter = true);
  bool is_tuple_end(std::string_view end_name) const;

  // operand_parser.cpp
  ExprPtr primary(bool as_target = false, bool with_namespace = false);
  ExprPtr literal(const Token& token);
  ExprPtr parenthesized();
  ExprPtr list();
  ExprPtr dict();
  ExprPtr postfix(ExprPtr expr);
  ExprPtr filters_and_tests(ExprPtr expr);
  ExprPtr attribute_or_index(ExprPtr object);
  ExprPtr subscript(ExprPtr object);
  ExprPtr subscript_item(Expr& node);
  ExprPtr call(ExprPtr function);
  ExprPtr test(ExprPtr value);
  ArgumentList arguments();

  TokenStream& tokens_;
  int nesting_ = 0;
  std::vector<std::string> names_read_;
};

}  // namespace tinyllm::jinja

#pragma once
// Expressions: the part of the grammar inside tags, operators by precedence. One parse, one thread.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/ast.h"
#include "text/jinja/lexer.h"

namespace tinyllm::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

  ExprPtr expression(bool with_conditional = true);
  // One expression, or a tuple without parentheses. `end_name`: a name that ends it ("in").
  ExprPtr tuple_or_expression(bool with_conditional = true, std::string_view end_name = "");
  // What can be assigned to: a name, ns.name, or a tuple of them.
  ExprPtr assignment_target(bool with_namespace, std::string_view end_name = "");
  // The rest of "| name | name(args)", applied to `input`.
  // With `is_first` no bar stands before the first name.
  ExprPtr filter_chain(ExprPtr input, bool is_first = false);
  // The text of the block around, which a filter or set block sends through filters.
  ExprPtr block_text() const;

  // One level of nesting, of statements as of expressions: at most kMaxTreeDepth together.
  void enter(Position position);
  void leave() { --nesting_; }

  // Every name read so far; macros look here for varargs, kwargs and caller.
  const std::vector<std::string>& names_read() const { return names_read_; }

  // Filters and tests that nobody defines are refused where the template is read,
  // but for those in a branch ({% if %}, a if b else c): as in Jinja2 they fail when they run.
  // So each is noted where it is met, and a branch excuses what was noted inside it.
  std::size_t n_unknown_names() const { return unknown_names_.size(); }
  void excuse_unknown_names(std::size_t first) { unknown_names_.resize(first); }
  void refuse_unknown_names(std::size_t first) const;

 private:
  using Rule = ExprPtr (ExpressionParser::*)();
  struct UnknownName {
    Position position;
    std::string what;  // "filter 'name'"
  };

  ExprPtr conditional();
  ExprPtr logical(std::string_view word, Expr::Kind kind, Rule operand);
  ExprPtr logical_or();
  ExprPtr logical_and();
  ExprPtr logical_not();
  std::optional<CompareOp> take_compare_op();
  ExprPtr compare();
  ExprPtr arithmetic(std::initializer_list<std::pair<std::string_view, BinaryOp>> ops,
                     Rule operand);
  ExprPtr sum();
  ExprPtr concat();
  ExprPtr product();
  ExprPtr power();
  ExprPtr unary();
  ExprPtr signed_operand();

  bool is_tuple_end(std::string_view end_name) const;
  ExprPtr target(bool with_namespace);

  ExprPtr primary();
  ExprPtr name(bool as_target, bool with_namespace);
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
  std::vector<UnknownName> unknown_names_;
};

}  // namespace tinyllm::jinja

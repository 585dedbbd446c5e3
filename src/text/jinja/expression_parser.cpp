#include "text/jinja/expression_parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "text/jinja/builtins.h"

namespace tinyllm::jinja {
namespace {

using Kind = Expr::Kind;

std::unique_ptr<Expr> make_expr(Kind kind, Position position) {
  auto node = std::make_unique<Expr>();
  node->kind = kind;
  node->position = position;
  return node;
}

// Sets the depth of a node whose operands and arguments are complete,
// and refuses one that is too deep: a + b + c or x|f|g grow to the left
// without recursion in the parser, but evaluation follows them down.
ExprPtr finish_expr(std::unique_ptr<Expr> node) {
  int deepest = 0;
  const auto look_at = [&](const ExprPtr& child) {
    if (child != nullptr) deepest = std::max(deepest, child->depth);
  };
  for (const ExprPtr& operand : node->operands) look_at(operand);
  for (const ExprPtr& argument : node->arguments.positional) look_at(argument);
  for (const auto& [name, argument] : node->arguments.named) look_at(argument);
  look_at(node->arguments.star);
  look_at(node->arguments.double_star);
  node->depth = deepest + 1;
  if (node->depth > kMaxTreeDepth) {
    fail_at(node->position, ErrorCode::unsupported, "expression is nested more than {} levels deep",
            kMaxTreeDepth);
  }
  return node;
}

template <typename... Operands>
ExprPtr expr_of(Kind kind, Position position, Operands... operands) {
  auto node = make_expr(kind, position);
  (node->operands.push_back(std::move(operands)), ...);
  return finish_expr(std::move(node));
}

ExprPtr constant_expr(Position position, Value value) {
  auto node = make_expr(Kind::constant, position);
  node->constant = std::move(value);
  return finish_expr(std::move(node));
}

// "name" or "a.b.c".
Token dotted_name(TokenStream& tokens) {
  Token token = tokens.expect(TokenKind::name, "a name");
  while (tokens.skip_op(".")) token.text += "." + tokens.expect(TokenKind::name, "a name").text;
  return token;
}

}  // namespace

void ExpressionParser::enter(Position position) {
  if (++nesting_ > kMaxTreeDepth) {
    fail_at(position, ErrorCode::unsupported, "template is nested more than {} levels deep",
            kMaxTreeDepth);
  }
}

void ExpressionParser::refuse_unknown_names(std::size_t first) const {
  if (unknown_names_.size() <= first) return;
  fail_at(unknown_names_[first].position, ErrorCode::unsupported, "{} is not known",
          unknown_names_[first].what);
}

// Operators, from those that bind least.

ExprPtr ExpressionParser::expression(bool with_conditional) {
  enter(tokens_.current().position);
  ExprPtr expr = with_conditional ? conditional() : logical_or();
  leave();
  return expr;
}

ExprPtr ExpressionParser::conditional() {
  const Position position = tokens_.current().position;
  const std::size_t n_unknown = n_unknown_names();
  ExprPtr expr = logical_or();
  while (tokens_.skip_name("if")) {
    ExprPtr condition = logical_or();
    if (tokens_.skip_name("else")) {
      expr =
          expr_of(Kind::conditional, position, std::move(condition), std::move(expr), expression());
    } else {
      expr = expr_of(Kind::conditional, position, std::move(condition), std::move(expr));
    }
    excuse_unknown_names(n_unknown);
  }
  return expr;
}

// operand word operand word ..., to the left.
ExprPtr ExpressionParser::logical(std::string_view word, Kind kind, Rule operand) {
  const Position position = tokens_.current().position;
  ExprPtr left = (this->*operand)();
  while (tokens_.skip_name(word)) {
    left = expr_of(kind, position, std::move(left), (this->*operand)());
  }
  return left;
}

ExprPtr ExpressionParser::logical_or() {
  return logical("or", Kind::logical_or, &ExpressionParser::logical_and);
}

ExprPtr ExpressionParser::logical_and() {
  return logical("and", Kind::logical_and, &ExpressionParser::logical_not);
}

ExprPtr ExpressionParser::logical_not() {
  const Position position = tokens_.current().position;
  if (!tokens_.skip_name("not")) return compare();
  enter(position);
  ExprPtr operand = logical_not();
  leave();
  return expr_of(Kind::logical_not, position, std::move(operand));
}

std::optional<CompareOp> ExpressionParser::take_compare_op() {
  static constexpr std::array<std::pair<std::string_view, CompareOp>, 6> kOps = {
      {{"==", CompareOp::equal},
       {"!=", CompareOp::not_equal},
       {"<", CompareOp::less},
       {"<=", CompareOp::less_equal},
       {">", CompareOp::greater},
       {">=", CompareOp::greater_equal}}};
  for (const auto& [text, op] : kOps) {
    if (tokens_.skip_op(text)) return op;
  }
  if (tokens_.skip_name("in")) return CompareOp::in;
  const Token& ahead = tokens_.look_ahead();
  if (!tokens_.is_name("not") || ahead.kind != TokenKind::name || ahead.text != "in") {
    return std::nullopt;
  }
  tokens_.take();
  tokens_.take();
  return CompareOp::not_in;
}

ExprPtr ExpressionParser::compare() {
  auto node = make_expr(Kind::compare, tokens_.current().position);
  node->operands.push_back(sum());
  while (const auto op = take_compare_op()) {
    node->compare_ops.push_back(*op);
    node->operands.push_back(sum());
  }
  if (node->compare_ops.empty()) return std::move(node->operands[0]);
  return finish_expr(std::move(node));
}

// operand op operand op ..., to the left.
ExprPtr ExpressionParser::arithmetic(
    std::initializer_list<std::pair<std::string_view, BinaryOp>> ops, Rule operand) {
  const Position position = tokens_.current().position;
  ExprPtr left = (this->*operand)();
  while (true) {
    const auto* found = std::find_if(ops.begin(), ops.end(),
                                     [&](const auto& op) { return tokens_.is_op(op.first); });
    if (found == ops.end()) return left;
    tokens_.take();
    auto node = make_expr(Kind::binary, position);
    node->binary_op = found->second;
    node->operands.push_back(std::move(left));
    node->operands.push_back((this->*operand)());
    left = finish_expr(std::move(node));
  }
}

ExprPtr ExpressionParser::sum() {
  return arithmetic({{"+", BinaryOp::add}, {"-", BinaryOp::subtract}}, &ExpressionParser::concat);
}

ExprPtr ExpressionParser::concat() {
  auto node = make_expr(Kind::concat, tokens_.current().position);
  node->operands.push_back(product());
  while (tokens_.skip_op("~")) node->operands.push_back(product());
  if (node->operands.size() == 1) return std::move(node->operands[0]);
  return finish_expr(std::move(node));
}

ExprPtr ExpressionParser::product() {
  return arithmetic({{"*", BinaryOp::multiply},
                     {"/", BinaryOp::divide},
                     {"//", BinaryOp::floor_divide},
                     {"%", BinaryOp::modulo}},
                    &ExpressionParser::power);
}

ExprPtr ExpressionParser::power() {  // to the left: 2 ** 3 ** 2 is 64 in Jinja2
  return arithmetic({{"**", BinaryOp::power}}, &ExpressionParser::unary);
}

ExprPtr ExpressionParser::unary() { return filters_and_tests(signed_operand()); }

ExprPtr ExpressionParser::signed_operand() {
  const Position position = tokens_.current().position;
  if (!tokens_.is_op("-") && !tokens_.is_op("+")) return postfix(primary());
  const Kind kind = tokens_.take().text == "-" ? Kind::negative : Kind::positive;
  enter(position);
  ExprPtr operand = signed_operand();
  leave();
  return postfix(expr_of(kind, position, std::move(operand)));
}

// Tuples and what is assigned to.

bool ExpressionParser::is_tuple_end(std::string_view end_name) const {
  return tokens_.is(TokenKind::variable_end) || tokens_.is(TokenKind::block_end) ||
         tokens_.is_op(")") || (!end_name.empty() && tokens_.is_name(end_name));
}

ExprPtr ExpressionParser::tuple_or_expression(bool with_conditional, std::string_view end_name) {
  auto node = make_expr(Kind::tuple, tokens_.current().position);
  node->operands.push_back(expression(with_conditional));
  if (!tokens_.is_op(",")) return std::move(node->operands[0]);
  while (tokens_.skip_op(",") && !is_tuple_end(end_name)) {
    node->operands.push_back(expression(with_conditional));
  }
  return finish_expr(std::move(node));
}

ExprPtr ExpressionParser::target(bool with_namespace) {
  if (tokens_.is_op("(")) {
    enter(tokens_.take().position);
    ExprPtr inner = assignment_target(false);
    leave();
    tokens_.expect_op(")");
    return inner;
  }
  const Token& token = tokens_.current();
  if (token.kind != TokenKind::name) tokens_.fail_expected("a name to assign to");
  ExprPtr target = name(true, with_namespace);
  if (target->kind == Kind::constant || token.text == "loop") {
    fail_at(token.position, ErrorCode::invalid_input, "cannot assign to '{}'", token.text);
  }
  return target;
}

ExprPtr ExpressionParser::assignment_target(bool with_namespace, std::string_view end_name) {
  auto node = make_expr(Kind::tuple, tokens_.current().position);
  node->operands.push_back(target(with_namespace));
  if (!tokens_.is_op(",")) return std::move(node->operands[0]);
  while (tokens_.skip_op(",") && !is_tuple_end(end_name) && !tokens_.is_op("=")) {
    node->operands.push_back(target(with_namespace));
  }
  return finish_expr(std::move(node));
}

// What operators work on: names, literals, and what stands behind them.

ExprPtr ExpressionParser::primary() {
  const Token& token = tokens_.current();
  if (token.kind == TokenKind::name) return name(false, false);
  if (tokens_.is_op("(")) return parenthesized();
  if (tokens_.is_op("[")) return list();
  if (tokens_.is_op("{")) return dict();
  if (token.kind == TokenKind::integer || token.kind == TokenKind::real) {
    return constant_expr(token.position, number_of(tokens_.take()));
  }
  if (token.kind != TokenKind::string) tokens_.fail_expected("an expression");
  std::string text;  // literals side by side are one string
  while (tokens_.is(TokenKind::string)) text += tokens_.take().text;
  return constant_expr(token.position, make_text(text));
}

// A variable, or a constant in Jinja2's or Python's spelling.
ExprPtr ExpressionParser::name(bool as_target, bool with_namespace) {
  const Token& token = tokens_.take();
  const std::string& text = token.text;
  if (text == "true" || text == "True") return constant_expr(token.position, make_bool(true));
  if (text == "false" || text == "False") return constant_expr(token.position, make_bool(false));
  if (text == "none" || text == "None") return constant_expr(token.position, make_none());
  auto node = make_expr(Kind::name, token.position);
  node->name = text;
  if (with_namespace && tokens_.skip_op(".")) {
    node->kind = Kind::namespace_attribute;
    node->attribute = tokens_.expect(TokenKind::name, "a name").text;
  } else if (!as_target) {
    names_read_.push_back(text);
  }
  return finish_expr(std::move(node));
}

ExprPtr ExpressionParser::parenthesized() {
  const Position position = tokens_.expect_op("(").position;
  ExprPtr expr = tokens_.is_op(")") ? expr_of(Kind::tuple, position) : tuple_or_expression();
  tokens_.expect_op(")");
  return expr;
}

ExprPtr ExpressionParser::list() {
  auto node = make_expr(Kind::list, tokens_.expect_op("[").position);
  while (!tokens_.is_op("]")) {
    if (!node->operands.empty()) tokens_.expect_op(",");
    if (tokens_.is_op("]")) break;
    node->operands.push_back(expression());
  }
  tokens_.expect_op("]");
  return finish_expr(std::move(node));
}

ExprPtr ExpressionParser::dict() {
  auto node = make_expr(Kind::dict, tokens_.expect_op("{").position);
  while (!tokens_.is_op("}")) {
    if (!node->operands.empty()) tokens_.expect_op(",");
    if (tokens_.is_op("}")) break;
    node->operands.push_back(expression());
    tokens_.expect_op(":");
    node->operands.push_back(expression());
  }
  tokens_.expect_op("}");
  return finish_expr(std::move(node));
}

ExprPtr ExpressionParser::postfix(ExprPtr expr) {
  while (true) {
    if (tokens_.is_op(".")) {
      expr = attribute_or_index(std::move(expr));
    } else if (tokens_.is_op("[")) {
      expr = subscript(std::move(expr));
    } else if (tokens_.is_op("(")) {
      expr = call(std::move(expr));
    } else {
      return expr;
    }
  }
}

ExprPtr ExpressionParser::filters_and_tests(ExprPtr expr) {
  while (true) {
    if (tokens_.is_op("|")) {
      expr = filter_chain(std::move(expr));
    } else if (tokens_.is_name("is")) {
      expr = test(std::move(expr));
    } else if (tokens_.is_op("(")) {
      expr = call(std::move(expr));
    } else {
      return expr;
    }
  }
}

ExprPtr ExpressionParser::attribute_or_index(ExprPtr object) {
  const Position position = tokens_.expect_op(".").position;
  const Token& token = tokens_.take();
  if (token.kind == TokenKind::integer) {
    return expr_of(Kind::subscript, position, std::move(object),
                   constant_expr(token.position, make_integer(token.integer)));
  }
  if (token.kind != TokenKind::name) {
    fail_at(token.position, ErrorCode::invalid_input, "expected a name or number behind '.'");
  }
  if (is_unsupported_method(token.text) && tokens_.is_op("(")) {
    fail_at(token.position, ErrorCode::unsupported, "method '{}' is not supported", token.text);
  }
  auto node = make_expr(Kind::attribute, position);
  node->attribute = token.text;
  node->operands.push_back(std::move(object));
  return finish_expr(std::move(node));
}

ExprPtr ExpressionParser::subscript(ExprPtr object) {
  auto node = make_expr(Kind::subscript, tokens_.expect_op("[").position);
  node->operands.push_back(std::move(object));
  auto keys = make_expr(Kind::tuple, node->position);
  while (!tokens_.is_op("]")) {
    if (!keys->operands.empty() && !tokens_.skip_op(",")) tokens_.fail_expected("']'");
    keys->operands.push_back(subscript_item(*node));
  }
  tokens_.expect_op("]");
  const bool is_one = keys->operands.size() == 1;
  if (node->kind == Kind::slice && !is_one) {
    fail_at(node->position, ErrorCode::unsupported, "a tuple of slices is not supported");
  }
  if (node->kind == Kind::subscript) {
    node->operands.push_back(is_one ? std::move(keys->operands[0]) : finish_expr(std::move(keys)));
  }
  return finish_expr(std::move(node));
}

// An index, or a slice whose bounds go into `node` right away (null is returned then).
ExprPtr ExpressionParser::subscript_item(Expr& node) {
  ExprPtr first = tokens_.is_op(":") ? nullptr : expression();
  if (!tokens_.skip_op(":")) return first;
  const auto at_end = [&] { return tokens_.is_op("]") || tokens_.is_op(","); };
  node.kind = Kind::slice;
  node.operands.push_back(std::move(first));
  node.operands.push_back(tokens_.is_op(":") || at_end() ? nullptr : expression());
  const bool has_step = tokens_.skip_op(":") && !at_end();
  node.operands.push_back(has_step ? expression() : nullptr);
  return nullptr;
}

ArgumentList ExpressionParser::arguments() {
  const Position position = tokens_.expect_op("(").position;
  ArgumentList args;
  const auto ensure = [&](bool condition) {
    if (!condition) {
      fail_at(position, ErrorCode::invalid_input, "invalid order of call arguments");
    }
  };
  bool is_first = true;
  while (!tokens_.is_op(")")) {
    if (!is_first) tokens_.expect_op(",");
    if (!is_first && tokens_.is_op(")")) break;
    is_first = false;
    const Token& ahead = tokens_.look_ahead();
    if (tokens_.skip_op("*")) {
      ensure(args.star == nullptr && args.double_star == nullptr);
      args.star = expression();
    } else if (tokens_.skip_op("**")) {
      ensure(args.double_star == nullptr);
      args.double_star = expression();
    } else if (tokens_.is(TokenKind::name) && ahead.kind == TokenKind::op && ahead.text == "=") {
      ensure(args.double_star == nullptr);
      std::string name = tokens_.take().text;
      tokens_.take();
      args.named.emplace_back(std::move(name), expression());
    } else {
      ensure(args.star == nullptr && args.double_star == nullptr && args.named.empty());
      args.positional.push_back(expression());
    }
  }
  tokens_.expect_op(")");
  return args;
}

ExprPtr ExpressionParser::call(ExprPtr function) {
  auto node = make_expr(Kind::call, tokens_.current().position);
  node->operands.push_back(std::move(function));
  node->arguments = arguments();
  return finish_expr(std::move(node));
}

ExprPtr ExpressionParser::block_text() const {
  return expr_of(Kind::block_text, tokens_.current().position);
}

ExprPtr ExpressionParser::filter_chain(ExprPtr input, bool is_first) {
  while (is_first || tokens_.skip_op("|")) {
    is_first = false;
    const Token token = dotted_name(tokens_);
    auto node = make_expr(Kind::filter, token.position);
    node->name = token.text;
    node->filter = find_filter(token.text);
    if (node->filter == nullptr) {
      unknown_names_.push_back({token.position, "filter '" + token.text + "'"});
    }
    if (tokens_.is_op("(")) node->arguments = arguments();
    node->operands.push_back(std::move(input));
    input = finish_expr(std::move(node));
  }
  return input;
}

ExprPtr ExpressionParser::test(ExprPtr value) {
  tokens_.take();  // "is"
  const bool is_negated = tokens_.skip_name("not");
  const Token token = dotted_name(tokens_);
  auto node = make_expr(Kind::test, token.position);
  node->name = token.text;
  node->test = find_test(token.text);
  if (node->test == nullptr) {
    unknown_names_.push_back({token.position, "test '" + token.text + "'"});
  }
  node->operands.push_back(std::move(value));
  const bool is_keyword =
      tokens_.is_name("else") || tokens_.is_name("or") || tokens_.is_name("and");
  const bool is_operand = tokens_.is(TokenKind::name) || tokens_.is(TokenKind::string) ||
                          tokens_.is(TokenKind::integer) || tokens_.is(TokenKind::real) ||
                          tokens_.is_op("[") || tokens_.is_op("{");
  if (tokens_.is_op("(")) {
    node->arguments = arguments();
  } else if (is_operand && !is_keyword) {
    if (tokens_.is_name("is")) {
      fail_at(tokens_.current().position, ErrorCode::invalid_input,
              "tests cannot be chained with 'is'");
    }
    node->arguments.positional.push_back(postfix(primary()));
  }
  ExprPtr expr = finish_expr(std::move(node));
  return is_negated ? expr_of(Kind::logical_not, token.position, std::move(expr)) : std::move(expr);
}

}  // namespace tinyllm::jinja

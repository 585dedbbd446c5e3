#include "text/jinja/expression_parser.h"

#include <algorithm>
#include <array>

namespace tinyllm::jinja {
namespace {

using Kind = Expr::Kind;

ExprPtr arithmetic(Position position, BinaryOp op, ExprPtr left, ExprPtr right) {
  auto node = make_expr(Kind::binary, position);
  node->binary_op = op;
  node->operands.push_back(std::move(left));
  node->operands.push_back(std::move(right));
  return finish_expr(std::move(node));
}

struct BinaryName {
  std::string_view text;
  BinaryOp op;
};

const BinaryName* find_binary(const Token& token, std::initializer_list<const BinaryName*> names) {
  if (token.kind != TokenKind::op) return nullptr;
  for (const BinaryName* name : names) {
    if (token.text == name->text) return name;
  }
  return nullptr;
}

constexpr BinaryName kAdd{"+", BinaryOp::add}, kSubtract{"-", BinaryOp::subtract},
    kMultiply{"*", BinaryOp::multiply}, kDivide{"/", BinaryOp::divide},
    kFloorDivide{"//", BinaryOp::floor_divide}, kModulo{"%", BinaryOp::modulo};

}  // namespace

void ExpressionParser::enter(Position position) {
  if (++nesting_ > kMaxTreeDepth) {
    fail_at(position, ErrorCode::unsupported, "template is nested more than {} levels deep",
            kMaxTreeDepth);
  }
}

ExprPtr ExpressionParser::expression(bool with_conditional) {
  enter(tokens_.current().position);
  ExprPtr expr = with_conditional ? conditional() : logical_or();
  leave();
  return expr;
}

ExprPtr ExpressionParser::conditional() {
  const Position position = tokens_.current().position;
  ExprPtr expr = logical_or();
  while (tokens_.skip_name("if")) {
    auto node = make_expr(Kind::conditional, position);
    node->operands.push_back(logical_or());
    node->operands.push_back(std::move(expr));
    if (tokens_.skip_name("else")) node->operands.push_back(expression());
    expr = finish_expr(std::move(node));
  }
  return expr;
}

ExprPtr ExpressionParser::logical_or() {
  const Position position = tokens_.current().position;
  ExprPtr left = logical_and();
  while (tokens_.skip_name("or")) {
    ExprPtr right = logical_and();
    left = binary_expr(Kind::logical_or, position, std::move(left), std::move(right));
  }
  return left;
}

ExprPtr ExpressionParser::logical_and() {
  const Position position = tokens_.current().position;
  ExprPtr left = logical_not();
  while (tokens_.skip_name("and")) {
    ExprPtr right = logical_not();
    left = binary_expr(Kind::logical_and, position, std::move(left), std::move(right));
  }
  return left;
}

ExprPtr ExpressionParser::logical_not() {
  const Position position = tokens_.current().position;
  if (!tokens_.skip_name("not")) return compare();
  enter(position);
  ExprPtr operand = logical_not();
  leave();
  return unary_expr(Kind::logical_not, position, std::move(operand));
}

ExprPtr ExpressionParser::compare() {
  static constexpr std::array<std::pair<std::string_view, CompareOp>, 6> kOps = {
      {{"==", CompareOp::equal},
       {"!=", CompareOp::not_equal},
       {"<", CompareOp::less},
       {"<=", CompareOp::less_equal},
       {">", CompareOp::greater},
       {">=", CompareOp::greater_equal}}};
  auto node = make_expr(Kind::compare, tokens_.current().position);
  node->operands.push_back(sum());
  while (true) {
    const auto* found = std::find_if(kOps.begin(), kOps.end(),
                                     [&](const auto& op) { return tokens_.is_op(op.first); });
    if (found != kOps.end()) {
      tokens_.take();
      node->compare_ops.push_back(found->second);
    } else if (tokens_.skip_name("in")) {
      node->compare_ops.push_back(CompareOp::in);
    } else if (tokens_.is_name("not") && tokens_.look_ahead().kind == TokenKind::name &&
               tokens_.look_ahead().text == "in") {
      tokens_.take();
      tokens_.take();
      node->compare_ops.push_back(CompareOp::not_in);
    } else {
      break;
    }
    node->operands.push_back(sum());
  }
  if (node->compare_ops.empty()) return std::move(node->operands[0]);
  return finish_expr(std::move(node));
}

ExprPtr ExpressionParser::sum() {
  const Position position = tokens_.current().position;
  ExprPtr left = concat();
  while (const BinaryName* name = find_binary(tokens_.current(), {&kAdd, &kSubtract})) {
    tokens_.take();
    ExprPtr right = concat();
    left = arithmetic(position, name->op, std::move(left), std::move(right));
  }
  return left;
}

ExprPtr ExpressionParser::concat() {
  auto node = make_expr(Kind::concat, tokens_.current().position);
  node->operands.push_back(product());
  while (tokens_.skip_op("~")) node->operands.push_back(product());
  if (node->operands.size() == 1) return std::move(node->operands[0]);
  return finish_expr(std::move(node));
}

ExprPtr ExpressionParser::product() {
  const Position position = tokens_.current().position;
  ExprPtr left = power();
  while (const BinaryName* name =
             find_binary(tokens_.current(), {&kMultiply, &kDivide, &kFloorDivide, &kModulo})) {
    tokens_.take();
    ExprPtr right = power();
    left = arithmetic(position, name->op, std::move(left), std::move(right));
  }
  return left;
}

ExprPtr ExpressionParser::power() {  // to the left: 2 ** 3 ** 2 is 64 in Jinja2
  const Position position = tokens_.current().position;
  ExprPtr left = unary();
  while (tokens_.skip_op("**")) {
    ExprPtr right = unary();
    left = arithmetic(position, BinaryOp::power, std::move(left), std::move(right));
  }
  return left;
}

ExprPtr ExpressionParser::unary(bool with_filter) {
  const Position position = tokens_.current().position;
  ExprPtr expr;
  if (tokens_.is_op("-") || tokens_.is_op("+")) {
    const Kind kind = tokens_.take().text == "-" ? Kind::negative : Kind::positive;
    enter(position);
    expr = unary_expr(kind, position, unary(false));
    leave();
  } else {
    expr = primary();
  }
  expr = postfix(std::move(expr));
  return with_filter ? filters_and_tests(std::move(expr)) : std::move(expr);
}

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

ExprPtr ExpressionParser::assignment_target(bool with_namespace, std::string_view end_name) {
  const auto one = [&]() -> ExprPtr {
    if (tokens_.is_op("(")) {
      const Position position = tokens_.take().position;
      enter(position);
      ExprPtr inner = assignment_target(false);
      leave();
      tokens_.expect_op(")");
      return inner;
    }
    const Token& token = tokens_.current();
    if (token.kind != TokenKind::name) tokens_.fail_expected("a name to assign to");
    ExprPtr target = primary(true, with_namespace);
    if (target->kind == Kind::constant || token.text == "loop") {
      fail_at(token.position, ErrorCode::invalid_input, "cannot assign to '{}'", token.text);
    }
    return target;
  };
  auto node = make_expr(Kind::tuple, tokens_.current().position);
  node->operands.push_back(one());
  if (!tokens_.is_op(",")) return std::move(node->operands[0]);
  while (tokens_.skip_op(",") && !is_tuple_end(end_name) && !tokens_.is_op("=")) {
    node->operands.push_back(one());
  }
  return finish_expr(std::move(node));
}

}  // namespace tinyllm::jinja

#include "text/jinja_expression_parser.h"

#include <algorithm>
#include <array>

#include "text/jinja_builtins.h"

namespace tinyllm::jinja {
namespace {

using Kind = Expr::Kind;

std::unique_ptr<Expr> make(Kind kind, Position position) {
  auto node = std::make_unique<Expr>();
  node->kind = kind;
  node->position = position;
  return node;
}

// Sets the depth of a finished node and checks it: chains like a + b + c or x|f|g grow to the left
// without recursion in the parser, but evaluation follows them down.
ExprPtr finish(std::unique_ptr<Expr> node) {
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

ExprPtr unary_node(Kind kind, Position position, ExprPtr operand) {
  auto node = make(kind, position);
  node->operands.push_back(std::move(operand));
  return finish(std::move(node));
}

ExprPtr binary_node(Kind kind, Position position, ExprPtr left, ExprPtr right,
                    BinaryOp op = BinaryOp::add) {
  auto node = make(kind, position);
  node->binary_op = op;
  node->operands.push_back(std::move(left));
  node->operands.push_back(std::move(right));
  return finish(std::move(node));
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
    auto node = make(Kind::conditional, position);
    node->operands.push_back(logical_or());
    node->operands.push_back(std::move(expr));
    if (tokens_.skip_name("else")) node->operands.push_back(expression());
    expr = finish(std::move(node));
  }
  return expr;
}

ExprPtr ExpressionParser::logical_or() {
  const Position position = tokens_.current().position;
  ExprPtr left = logical_and();
  while (tokens_.skip_name("or")) {
    ExprPtr right = logical_and();
    left = binary_node(Kind::logical_or, position, std::move(left), std::move(right));
  }
  return left;
}

ExprPtr ExpressionParser::logical_and() {
  const Position position = tokens_.current().position;
  ExprPtr left = logical_not();
  while (tokens_.skip_name("and")) {
    ExprPtr right = logical_not();
    left = binary_node(Kind::logical_and, position, std::move(left), std::move(right));
  }
  return left;
}

ExprPtr ExpressionParser::logical_not() {
  const Position position = tokens_.current().position;
  if (!tokens_.skip_name("not")) return compare();
  enter(position);
  ExprPtr operand = logical_not();
  leave();
  return unary_node(Kind::logical_not, position, std::move(operand));
}

ExprPtr ExpressionParser::compare() {
  static constexpr std::array<std::pair<std::string_view, CompareOp>, 6> kOps = {
      {{"==", CompareOp::equal},
       {"!=", CompareOp::not_equal},
       {"<", CompareOp::less},
       {"<=", CompareOp::less_equal},
       {">", CompareOp::greater},
       {">=", CompareOp::greater_equal}}};
  auto node = make(Kind::compare, tokens_.current().position);
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
  return finish(std::move(node));
}

ExprPtr ExpressionParser::sum() {
  const Position position = tokens_.current().position;
  ExprPtr left = concat();
  while (const BinaryName* name = find_binary(tokens_.current(), {&kAdd, &kSubtract})) {
    tokens_.take();
    ExprPtr right = concat();
    left = binary_node(Kind::binary, position, std::move(left), std::move(right), name->op);
  }
  return left;
}

ExprPtr ExpressionParser::concat() {
  auto node = make(Kind::concat, tokens_.current().position);
  node->operands.push_back(product());
  while (tokens_.skip_op("~")) node->operands.push_back(product());
  if (node->operands.size() == 1) return std::move(node->operands[0]);
  return finish(std::move(node));
}

ExprPtr ExpressionParser::product() {
  const Position position = tokens_.current().position;
  ExprPtr left = power();
  while (const BinaryName* name =
             find_binary(tokens_.current(), {&kMultiply, &kDivide, &kFloorDivide, &kModulo})) {
    tokens_.take();
    ExprPtr right = power();
    left = binary_node(Kind::binary, position, std::move(left), std::move(right), name->op);
  }
  return left;
}

ExprPtr ExpressionParser::power() {  // to the left: 2 ** 3 ** 2 is 64 in Jinja2
  const Position position = tokens_.current().position;
  ExprPtr left = unary();
  while (tokens_.skip_op("**")) {
    ExprPtr right = unary();
    left = binary_node(Kind::binary, position, std::move(left), std::move(right), BinaryOp::power);
  }
  return left;
}

ExprPtr ExpressionParser::unary(bool with_filter) {
  const Position position = tokens_.current().position;
  ExprPtr expr;
  if (tokens_.is_op("-") || tokens_.is_op("+")) {
    const Kind kind = tokens_.take().text == "-" ? Kind::negative : Kind::positive;
    enter(position);
    expr = unary_node(kind, position, unary(false));
    leave();
  } else {
    expr = primary();
  }
  expr = postfix(std::move(expr));
  return with_filter ? filters_and_tests(std::move(expr)) : std::move(expr);
}

ExprPtr ExpressionParser::primary(bool as_target, bool with_namespace) {
  const Token& token = tokens_.current();
  if (token.kind == TokenKind::op) {
    if (token.text == "(") return parenthesized();
    if (token.text == "[") return list();
    if (token.text == "{") return dict();
  }
  if (token.kind != TokenKind::name) return literal(token);
  tokens_.take();
  const std::string lower =
      token.text == "True" || token.text == "False" || token.text == "None"
          ? std::string(1, static_cast<char>(token.text[0] | 0x20)) + token.text.substr(1)
          : token.text;
  if (lower == "true" || lower == "false" || lower == "none") {
    auto node = make(Kind::constant, token.position);
    node->constant = lower == "none" ? make_none() : make_bool(lower == "true");
    return finish(std::move(node));
  }
  auto node = make(Kind::name, token.position);
  node->name = token.text;
  if (with_namespace && tokens_.skip_op(".")) {
    node->kind = Kind::namespace_attribute;
    node->attribute = tokens_.expect(TokenKind::name, "a name").text;
  } else if (!as_target) {
    names_read_.push_back(token.text);
    if (is_unsupported_global(token.text) && tokens_.is_op("(")) {
      fail_at(token.position, ErrorCode::unsupported, "function '{}' is not supported", token.text);
    }
  }
  return finish(std::move(node));
}

ExprPtr ExpressionParser::literal(const Token& token) {
  auto node = make(Kind::constant, token.position);
  if (token.kind == TokenKind::string) {
    std::string text;
    while (tokens_.is(TokenKind::string)) text += tokens_.take().text;
    node->constant = make_text(text);
  } else if (token.kind == TokenKind::integer) {
    node->constant = make_integer(tokens_.take().integer);
  } else if (token.kind == TokenKind::real) {
    node->constant = make_real(tokens_.take().real);
  } else {
    tokens_.fail_expected("an expression");
  }
  return finish(std::move(node));
}

ExprPtr ExpressionParser::parenthesized() {
  const Position position = tokens_.expect_op("(").position;
  ExprPtr expr;
  if (tokens_.is_op(")")) {
    expr = finish(make(Kind::tuple, position));
  } else {
    expr = tuple_or_expression();
  }
  tokens_.expect_op(")");
  return expr;
}

ExprPtr ExpressionParser::list() {
  auto node = make(Kind::list, tokens_.expect_op("[").position);
  while (!tokens_.is_op("]")) {
    if (!node->operands.empty()) tokens_.expect_op(",");
    if (tokens_.is_op("]")) break;
    node->operands.push_back(expression());
  }
  tokens_.expect_op("]");
  return finish(std::move(node));
}

ExprPtr ExpressionParser::dict() {
  auto node = make(Kind::dict, tokens_.expect_op("{").position);
  while (!tokens_.is_op("}")) {
    if (!node->operands.empty()) tokens_.expect_op(",");
    if (tokens_.is_op("}")) break;
    node->operands.push_back(expression());
    tokens_.expect_op(":");
    node->operands.push_back(expression());
  }
  tokens_.expect_op("}");
  return finish(std::move(node));
}

bool ExpressionParser::is_tuple_end(std::string_view end_name) const {
  return tokens_.is(TokenKind::variable_end) || tokens_.is(TokenKind::block_end) ||
         tokens_.is_op(")") || (!end_name.empty() && tokens_.is_name(end_name));
}

ExprPtr ExpressionParser::tuple_or_expression(bool with_conditional, std::string_view end_name) {
  auto node = make(Kind::tuple, tokens_.current().position);
  node->operands.push_back(expression(with_conditional));
  if (!tokens_.is_op(",")) return std::move(node->operands[0]);
  while (tokens_.skip_op(",") && !is_tuple_end(end_name)) {
    node->operands.push_back(expression(with_conditional));
  }
  return finish(std::move(node));
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
  auto node = make(Kind::tuple, tokens_.current().position);
  node->operands.push_back(one());
  if (!tokens_.is_op(",")) return std::move(node->operands[0]);
  while (tokens_.skip_op(",") && !is_tuple_end(end_name) && !tokens_.is_op("=")) {
    node->operands.push_back(one());
  }
  return finish(std::move(node));
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
    auto index = make(Kind::constant, token.position);
    index->constant = make_integer(token.integer);
    return binary_node(Kind::subscript, position, std::move(object), finish(std::move(index)));
  }
  if (token.kind != TokenKind::name) {
    fail_at(token.position, ErrorCode::invalid_input, "expected a name or number behind '.'");
  }
  if (is_unsupported_method(token.text) && tokens_.is_op("(")) {
    fail_at(token.position, ErrorCode::unsupported, "method '{}' is not supported", token.text);
  }
  auto node = make(Kind::attribute, position);
  node->attribute = token.text;
  node->operands.push_back(std::move(object));
  return finish(std::move(node));
}

ExprPtr ExpressionParser::subscript(ExprPtr object) {
  auto node = make(Kind::subscript, tokens_.expect_op("[").position);
  node->operands.push_back(std::move(object));
  ExprPtr first = subscript_item(*node);
  if (tokens_.is_op(",")) {
    if (node->kind == Kind::slice) {
      fail_at(node->position, ErrorCode::unsupported, "a tuple of slices is not supported");
    }
    auto tuple = make(Kind::tuple, node->position);
    tuple->operands.push_back(std::move(first));
    while (tokens_.skip_op(",") && !tokens_.is_op("]")) tuple->operands.push_back(expression());
    first = finish(std::move(tuple));
  }
  if (node->kind == Kind::subscript) node->operands.push_back(std::move(first));
  tokens_.expect_op("]");
  return finish(std::move(node));
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
  auto node = make(Kind::call, tokens_.current().position);
  node->operands.push_back(std::move(function));
  node->arguments = arguments();
  return finish(std::move(node));
}

namespace {

// "name" or "a.b.c".
Token dotted_name(TokenStream& tokens) {
  Token token = tokens.expect(TokenKind::name, "a name");
  while (tokens.skip_op(".")) token.text += "." + tokens.expect(TokenKind::name, "a name").text;
  return token;
}

}  // namespace

ExprPtr ExpressionParser::filter_chain(ExprPtr input, bool is_first) {
  while (is_first || tokens_.skip_op("|")) {
    is_first = false;
    const Token token = dotted_name(tokens_);
    auto node = make(Kind::filter, token.position);
    node->name = token.text;
    node->filter = find_filter(token.text);
    if (node->filter == nullptr) {
      fail_at(token.position, ErrorCode::unsupported, "filter '{}' is not known", token.text);
    }
    if (tokens_.is_op("(")) node->arguments = arguments();
    node->operands.push_back(std::move(input));
    input = finish(std::move(node));
  }
  return input;
}

ExprPtr ExpressionParser::test(ExprPtr value) {
  tokens_.take();  // "is"
  const bool is_negated = tokens_.skip_name("not");
  const Token token = dotted_name(tokens_);
  auto node = make(Kind::test, token.position);
  node->name = token.text;
  node->test = find_test(token.text);
  if (node->test == nullptr) {
    fail_at(token.position, ErrorCode::unsupported, "test '{}' is not known", token.text);
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
  ExprPtr expr = finish(std::move(node));
  return is_negated ? unary_node(Kind::logical_not, token.position, std::move(expr))
                    : std::move(expr);
}

}  // namespace tinyllm::jinja

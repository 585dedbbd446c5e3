// What operators work on: literals, names, attributes, items, calls, filters and tests.

#include "text/jinja/builtins.h"
#include "text/jinja/expression_parser.h"

namespace tinyllm::jinja {

using Kind = Expr::Kind;

namespace {

// Python's spelling of the constants is Jinja2's too.
std::string lower_constant(const std::string& name) {
  if (name == "True") return "true";
  if (name == "False") return "false";
  return name == "None" ? "none" : name;
}

}  // namespace

ExprPtr ExpressionParser::primary(bool as_target, bool with_namespace) {
  const Token& token = tokens_.current();
  if (token.kind == TokenKind::op) {
    if (token.text == "(") return parenthesized();
    if (token.text == "[") return list();
    if (token.text == "{") return dict();
  }
  if (token.kind != TokenKind::name) return literal(token);
  tokens_.take();
  const std::string lower = lower_constant(token.text);
  if (lower == "true" || lower == "false" || lower == "none") {
    auto node = make_expr(Kind::constant, token.position);
    node->constant = lower == "none" ? make_none() : make_bool(lower == "true");
    return finish_expr(std::move(node));
  }
  auto node = make_expr(Kind::name, token.position);
  node->name = token.text;
  if (with_namespace && tokens_.skip_op(".")) {
    node->kind = Kind::namespace_attribute;
    node->attribute = tokens_.expect(TokenKind::name, "a name").text;
  } else if (!as_target) {
    names_read_.push_back(token.text);
  }
  return finish_expr(std::move(node));
}

ExprPtr ExpressionParser::literal(const Token& token) {
  auto node = make_expr(Kind::constant, token.position);
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
  return finish_expr(std::move(node));
}

ExprPtr ExpressionParser::parenthesized() {
  const Position position = tokens_.expect_op("(").position;
  ExprPtr expr;
  if (tokens_.is_op(")")) {
    expr = finish_expr(make_expr(Kind::tuple, position));
  } else {
    expr = tuple_or_expression();
  }
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
    auto index = make_expr(Kind::constant, token.position);
    index->constant = make_integer(token.integer);
    return binary_expr(Kind::subscript, position, std::move(object), finish_expr(std::move(index)));
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
  ExprPtr first = subscript_item(*node);
  if (tokens_.is_op(",")) {
    if (node->kind == Kind::slice) {
      fail_at(node->position, ErrorCode::unsupported, "a tuple of slices is not supported");
    }
    auto tuple = make_expr(Kind::tuple, node->position);
    tuple->operands.push_back(std::move(first));
    while (tokens_.skip_op(",") && !tokens_.is_op("]")) tuple->operands.push_back(expression());
    first = finish_expr(std::move(tuple));
  }
  if (node->kind == Kind::subscript) node->operands.push_back(std::move(first));
  tokens_.expect_op("]");
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
    auto node = make_expr(Kind::filter, token.position);
    node->name = token.text;
    node->filter = find_filter(token.text);
    if (node->filter == nullptr) {
      fail_at(token.position, ErrorCode::unsupported, "filter '{}' is not known", token.text);
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
  ExprPtr expr = finish_expr(std::move(node));
  return is_negated ? unary_expr(Kind::logical_not, token.position, std::move(expr))
                    : std::move(expr);
}

}  // namespace tinyllm::jinja

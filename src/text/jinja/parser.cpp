#include "text/jinja/parser.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "text/jinja/expression_parser.h"

namespace tinyllm::jinja {
namespace {

using Kind = Statement::Kind;

// What Jinja2 or its extensions know and a chat template has no use for.
constexpr std::array<std::string_view, 10> kUnsupportedTags = {
    "extends", "include", "import", "from",      "autoescape",
    "do",      "trans",   "debug",  "pluralize", "endautoescape"};

class Parser {
 public:
  explicit Parser(std::string_view source) : tokens_(tokenize(source)), expressions_(tokens_) {}

  Body run() {
    Body body = statements({});
    expressions_.refuse_unknown_names(0);
    return body;
  }

 private:
  using EndTags = std::vector<std::string_view>;

  // Statements up to one of the end tags, whose name is then the current token. No end tags: up to
  // the end of the template.
  Body statements(const EndTags& end_tags) {
    Body body;
    while (true) {
      const Position position = tokens_.current().position;
      switch (tokens_.current().kind) {
        case TokenKind::data: {
          Statement& statement = add(body, Kind::text, position);
          statement.text = make_text(tokens_.take().text);
          break;
        }
        case TokenKind::variable_begin: {
          tokens_.take();
          ExprPtr expr = expressions_.tuple_or_expression();
          tokens_.expect(TokenKind::variable_end, "'}}'");
          add(body, Kind::output, position).expressions.push_back(std::move(expr));
          break;
        }
        case TokenKind::block_begin:
          tokens_.take();
          if (tokens_.is(TokenKind::name) && std::find(end_tags.begin(), end_tags.end(),
                                                       tokens_.current().text) != end_tags.end()) {
            return body;
          }
          statement(body);
          tokens_.expect(TokenKind::block_end, "'%}'");
          break;
        default:
          if (!end_tags.empty()) fail_end_of_template(end_tags);
          return body;
      }
    }
  }

  static Statement& add(Body& body, Kind kind, Position position) {
    Statement& statement = body.emplace_back();
    statement.kind = kind;
    statement.position = position;
    return statement;
  }

  [[noreturn]] void fail_end_of_template(const EndTags& end_tags) {
    std::string wanted;
    for (std::string_view tag : end_tags) {
      wanted += (wanted.empty() ? "" : " or ") + ("{% " + std::string(tag) + " %}");
    }
    fail_at(tokens_.current().position, ErrorCode::invalid_input,
            "the template ends where {} is missing", wanted);
  }

  // The statements of a block whose opening tag ends here, up to one of the end tags.
  Body block_part(const EndTags& end_tags) {
    tokens_.skip_op(":");
    tokens_.expect(TokenKind::block_end, "'%}'");
    expressions_.enter(tokens_.current().position);
    Body body = statements(end_tags);
    expressions_.leave();
    return body;
  }

  // The same of a block with variables of its own; a branch around it excuses no name inside.
  Body scope_part(const EndTags& end_tags) {
    const std::size_t n_unknown = expressions_.n_unknown_names();
    Body body = block_part(end_tags);
    expressions_.refuse_unknown_names(n_unknown);
    return body;
  }

  // A whole body, its end tag included.
  Body scope_body(std::string_view end_tag) {
    Body body = scope_part({end_tag});
    tokens_.take();
    return body;
  }

  void statement(Body& body) {
    if (!tokens_.is(TokenKind::name)) tokens_.fail_expected("the name of a tag");
    const Position position = tokens_.current().position;
    const std::string& tag = tokens_.take().text;
    const auto add_here = [&](Kind kind) -> Statement& { return add(body, kind, position); };
    if (tag == "if") return parse_if(add_here(Kind::if_chain));
    if (tag == "for") return parse_for(add_here(Kind::for_loop));
    if (tag == "set") return parse_set(add_here(Kind::set));
    if (tag == "macro") return parse_macro(add_here(Kind::macro));
    if (tag == "call") return parse_call(add_here(Kind::call_block));
    if (tag == "filter") return parse_filter(add_here(Kind::filter_block));
    if (tag == "with") return parse_with(add_here(Kind::with));
    if (tag == "print") return parse_print(add_here(Kind::output));
    if (tag == "block") return parse_block(add_here(Kind::block));
    if (tag == "generation") {
      // transformers' own tag: marks what the assistant said; the text is unchanged.
      add_here(Kind::scope).body = function_body("endgeneration");
      return;
    }
    if (tag == "break" || tag == "continue") {
      if (loop_depth_ == 0) {
        fail_at(position, ErrorCode::invalid_input, "'{}' outside of a loop", tag);
      }
      add_here(tag == "break" ? Kind::break_loop : Kind::continue_loop);
      return;
    }
    if (std::find(kUnsupportedTags.begin(), kUnsupportedTags.end(), tag) !=
        kUnsupportedTags.end()) {
      fail_at(position, ErrorCode::unsupported, "tag '{}' is not supported", tag);
    }
    fail_at(position, ErrorCode::invalid_input, "tag '{}' is not known here", tag);
  }

  // A body that becomes a function: no break or continue out of it.
  Body function_body(std::string_view end_tag) {
    const int outer_depth = std::exchange(loop_depth_, 0);
    Body body = scope_body(end_tag);
    loop_depth_ = outer_depth;
    return body;
  }

  void parse_if(Statement& node) {
    const std::size_t n_unknown = expressions_.n_unknown_names();
    std::string_view tag = "elif";
    while (tag == "elif") {
      ExprPtr condition = expressions_.tuple_or_expression(false);
      Body body = block_part({"elif", "else", "endif"});
      node.branches.push_back({std::move(condition), std::move(body)});
      tag = tokens_.take().text;
    }
    if (tag == "else") {
      node.else_body = block_part({"endif"});
      tokens_.take();
    }
    expressions_.excuse_unknown_names(n_unknown);
  }

  void parse_for(Statement& node) {
    node.target = expressions_.assignment_target(false, "in");
    tokens_.expect_name("in");
    node.expressions.push_back(expressions_.tuple_or_expression(false, "recursive"));
    if (tokens_.skip_name("if")) node.condition = expressions_.expression();
    node.is_recursive = tokens_.skip_name("recursive");
    ++loop_depth_;
    node.body = scope_part({"endfor", "else"});
    --loop_depth_;
    if (tokens_.take().text == "else") node.else_body = scope_body("endfor");
  }

  void parse_set(Statement& node) {
    node.target = expressions_.assignment_target(true);
    if (tokens_.skip_op("=")) {
      node.expressions.push_back(expressions_.tuple_or_expression());
      return;
    }
    node.kind = Kind::set_block;
    if (tokens_.is_op("|")) {
      node.expressions.push_back(expressions_.filter_chain(expressions_.block_text()));
    }
    node.body = scope_body("endset");
  }

  void parse_signature(MacroNode& macro) {
    tokens_.expect_op("(");
    while (!tokens_.is_op(")")) {
      if (!macro.parameters.empty()) tokens_.expect_op(",");
      const Token& name = tokens_.expect(TokenKind::name, "a parameter name");
      MacroParameter parameter{name.text, nullptr};
      if (tokens_.skip_op("=")) {
        parameter.default_value = expressions_.expression();
      } else if (!macro.parameters.empty() && macro.parameters.back().default_value != nullptr) {
        fail_at(name.position, ErrorCode::invalid_input,
                "parameter '{}' without a default follows one with a default", name.text);
      }
      macro.parameters.push_back(std::move(parameter));
    }
    tokens_.expect_op(")");
  }

  void parse_macro_body(MacroNode& macro, std::string_view end_tag) {
    const std::size_t first = expressions_.names_read().size();
    macro.body = function_body(end_tag);
    const auto& names = expressions_.names_read();
    const auto reads = [&](std::string_view name) {
      return std::find(names.begin() + static_cast<std::ptrdiff_t>(first), names.end(), name) !=
             names.end();
    };
    macro.uses_varargs = reads("varargs");
    macro.uses_kwargs = reads("kwargs");
    macro.uses_caller = reads("caller");
  }

  void parse_macro(Statement& node) {
    auto macro = std::make_shared<MacroNode>();
    const Token& name = tokens_.expect(TokenKind::name, "a macro name");
    macro->name = name.text;
    macro->position = name.position;
    parse_signature(*macro);
    parse_macro_body(*macro, "endmacro");
    node.macro = std::move(macro);
  }

  void parse_call(Statement& node) {
    auto caller = std::make_shared<MacroNode>();
    caller->name = "caller";
    caller->position = node.position;
    if (tokens_.is_op("(")) parse_signature(*caller);
    node.expressions.push_back(expressions_.expression());
    if (node.expressions[0]->kind != Expr::Kind::call) {
      fail_at(node.position, ErrorCode::invalid_input, "expected a call behind 'call'");
    }
    parse_macro_body(*caller, "endcall");
    node.macro = std::move(caller);
  }

  void parse_filter(Statement& node) {
    node.expressions.push_back(expressions_.filter_chain(expressions_.block_text(), true));
    node.body = scope_body("endfilter");
  }

  void parse_with(Statement& node) {
    while (!tokens_.is(TokenKind::block_end)) {
      if (!node.targets.empty()) tokens_.expect_op(",");
      node.targets.push_back(expressions_.assignment_target(false));
      tokens_.expect_op("=");
      node.expressions.push_back(expressions_.expression());
    }
    node.body = scope_body("endwith");
  }

  void parse_block(Statement& node) {
    const Token& name = tokens_.expect(TokenKind::name, "the name of a block");
    if (!block_names_.insert(name.text).second) {
      fail_at(name.position, ErrorCode::invalid_input, "block '{}' is there twice", name.text);
    }
    node.is_scoped = tokens_.skip_name("scoped");
    node.is_required = tokens_.skip_name("required");
    node.body = function_body("endblock");
    tokens_.skip_name(name.text);
  }

  void parse_print(Statement& node) {
    while (!tokens_.is(TokenKind::block_end)) {
      if (!node.expressions.empty()) tokens_.expect_op(",");
      node.expressions.push_back(expressions_.expression());
    }
  }

  TokenStream tokens_;
  ExpressionParser expressions_;
  int loop_depth_ = 0;
  std::set<std::string> block_names_;
};

}  // namespace

Body parse_template(std::string_view source) { return Parser(source).run(); }

}  // namespace tinyllm::jinja

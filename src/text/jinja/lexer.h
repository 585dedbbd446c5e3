#pragma once
// Template source -> tokens, as Jinja2 3.1 cuts it with trim_blocks and lstrip_blocks on and
// keep_trailing_newline off. Comments and whitespace are gone afterwards, raw blocks are data.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/jinja/position.h"
#include "text/jinja/value.h"

namespace tinyllm::jinja {

enum class TokenKind {
  data,  // text outside of tags
  variable_begin,
  variable_end,
  block_begin,
  block_end,
  name,
  string,  // text is the unescaped content
  integer,
  real,
  op,  // text is the operator
  end,
};

struct Token {
  TokenKind kind = TokenKind::end;
  Position position;
  std::string text;
  std::int64_t integer = 0;
  bool is_big = false;  // an integer that 64 bits do not hold: its text is its decimal digits
  double real = 0;
};

// The last token is `end`. Throws Error{invalid_input} with line and column.
std::vector<Token> tokenize(std::string_view source);

// The value of an integer or real.
Value number_of(const Token& token);

// "end of statement block", "end of template", ... for messages.
std::string describe(const Token& token);

// The parser's view of the tokens: what comes next, and how it is taken. One parse, one thread.
class TokenStream {
 public:
  explicit TokenStream(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& current() const { return tokens_[next_]; }
  const Token& look_ahead() const {  // the token behind the current one
    return tokens_[next_ + 1 < tokens_.size() ? next_ + 1 : next_];
  }
  // References stay valid as long as the stream.
  const Token& take() {
    const Token& token = current();
    if (token.kind != TokenKind::end) ++next_;
    return token;
  }

  bool is(TokenKind kind) const { return current().kind == kind; }
  bool is_op(std::string_view op) const { return is(TokenKind::op) && current().text == op; }
  bool is_name(std::string_view name) const {
    return is(TokenKind::name) && current().text == name;
  }

  bool skip_op(std::string_view op) { return is_op(op) && (++next_, true); }
  bool skip_name(std::string_view name) { return is_name(name) && (++next_, true); }

  const Token& expect(TokenKind kind, std::string_view wanted) {
    if (!is(kind)) fail_expected(wanted);
    return take();
  }
  const Token& expect_op(std::string_view op) {
    if (!is_op(op)) fail_expected("'" + std::string(op) + "'");
    return take();
  }
  void expect_name(std::string_view name) {
    if (!skip_name(name)) fail_expected("'" + std::string(name) + "'");
  }

  [[noreturn]] void fail_expected(std::string_view wanted) const {
    fail_at(current().position, ErrorCode::invalid_input, "expected {}, found '{}'", wanted,
            describe(current()));
  }

 private:
  std::vector<Token> tokens_;
  std::size_t next_ = 0;
};

}  // namespace tinyllm::jinja

#pragma once
// Template source -> tokens, as Jinja2 3.1 cuts it with trim_blocks and lstrip_blocks on and
// keep_trailing_newline off. Comments and whitespace are gone afterwards, raw blocks are data.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/jinja/position.h"

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
  double real = 0;
};

// The last token is `end`. Throws Error{invalid_input} with line and column.
std::vector<Token> tokenize(std::string_view source);

// "end of statement block", "end of template", ... for messages.
std::string describe(const Token& token);

}  // namespace tinyllm::jinja

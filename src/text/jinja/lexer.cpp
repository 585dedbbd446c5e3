#include "text/jinja/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "base/utf8.h"
#include "text/jinja/big_integer.h"
#include "text/jinja/unicode.h"

namespace tinyllm::jinja {
namespace {

constexpr std::size_t kMaxSourceBytes = 1 << 20;

std::string normalize_newlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  return out;
}

bool is_digit_of(char c, int base) {
  if (base <= 10) return c >= '0' && c < '0' + base;
  return is_ascii_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  std::vector<Token> run() {
    while (position_ < source_.size()) lex_data();
    add(TokenKind::end, position_, "");
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail_here(std::size_t offset, const std::string& message) {
    fail_at(position_of(offset), ErrorCode::invalid_input, "{}", message);
  }

  // Offsets must not decrease from call to call.
  Position position_of(std::size_t offset) {
    for (; counted_ < offset; ++counted_) {
      if (source_[counted_] == '\n') {
        ++counted_position_.line;
        counted_position_.column = 1;
      } else if ((static_cast<unsigned char>(source_[counted_]) & 0xC0) != 0x80) {
        ++counted_position_.column;
      }
    }
    return counted_position_;
  }

  Token& add(TokenKind kind, std::size_t offset, std::string text) {
    Token& token = tokens_.emplace_back();
    token.kind = kind;
    token.position = position_of(offset);
    token.text = std::move(text);
    return token;
  }

  bool at(std::size_t offset, std::string_view text) const {
    return std::string_view(source_).substr(std::min(offset, source_.size()), text.size()) == text;
  }

  std::size_t skip_spaces(std::size_t offset) const {
    return offset + count_leading_spaces(std::string_view(source_).substr(offset));
  }

  // A '-' or '+' at `offset` that belongs to a tag's begin.
  char sign_at(std::size_t offset) const {
    return at(offset, "-") || at(offset, "+") ? source_[offset] : '\0';
  }

  // The whitespace that the tag after data [begin, end) takes away.
  std::size_t strip_before_tag(std::size_t begin, std::size_t end, char sign, bool is_variable) {
    std::string_view text = std::string_view(source_).substr(begin, end - begin);
    if (sign == '-') return begin + text.size() - count_trailing_spaces(text);
    if (sign == '+' || is_variable) return end;
    const std::size_t newline = text.rfind('\n');
    if (newline == std::string_view::npos && !line_starting_) return end;
    const std::size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
    std::string_view indent = text.substr(line_begin);
    return count_leading_spaces(indent) == indent.size() ? begin + line_begin : end;
  }

  void set_position(std::size_t end) {
    line_starting_ = end > 0 && source_[end - 1] == '\n';
    position_ = end;
  }

  void lex_data() {
    const std::size_t begin = position_;
    std::size_t tag = begin;
    for (;; ++tag) {
      tag = source_.find('{', tag);
      if (tag == std::string::npos || at(tag, "{%") || at(tag, "{{") || at(tag, "{#")) break;
    }
    if (tag == std::string::npos) {
      add(TokenKind::data, begin, source_.substr(begin));
      position_ = source_.size();
      return;
    }
    const char kind = source_[tag + 1];
    const char sign = sign_at(tag + 2);
    const std::size_t data_end = strip_before_tag(begin, tag, sign, kind == '{');
    if (data_end > begin) add(TokenKind::data, begin, source_.substr(begin, data_end - begin));
    set_position(tag + 2 + (sign != '\0' ? 1 : 0));
    if (kind == '#') {
      lex_comment(tag);
    } else if (kind == '{') {
      add(TokenKind::variable_begin, tag, "{{");
      lex_tag("}}", TokenKind::variable_end);
    } else if (!lex_raw(tag)) {
      add(TokenKind::block_begin, tag, "{%");
      lex_tag("%}", TokenKind::block_end);
    }
  }

  // Moves past a tag's closing mark at `mark`; '-' before it eats all whitespace behind, "%}" and
  // "#}" eat one newline unless '+' stands before them.
  void close_tag(std::size_t mark, char sign, bool is_variable) {
    std::size_t end = mark + 2;
    if (sign == '-') {
      end = skip_spaces(end);
    } else if (sign != '+' && !is_variable && at(end, "\n")) {
      ++end;
    }
    set_position(end);
  }

  void lex_comment(std::size_t tag) {
    const std::size_t mark = source_.find("#}", position_);
    if (mark == std::string::npos) fail_here(tag, "this comment has no end, \"#}\" is missing");
    close_tag(mark, mark > position_ ? sign_at(mark - 1) : '\0', false);
  }

  // Reads {% raw %} ... {% endraw %} when it stands here; position_ is behind "{%" and sign.
  bool lex_raw(std::size_t tag) {
    std::size_t offset = skip_spaces(position_);
    if (!at(offset, "raw")) return false;
    offset = skip_spaces(offset + 3);
    if (at(offset, "-%}")) {
      offset = skip_spaces(offset + 3);
    } else if (at(offset, "%}")) {
      offset += 2;
    } else {
      return false;
    }
    set_position(offset);
    const std::size_t begin = offset;
    for (std::size_t end = begin;; end += 2) {
      end = source_.find("{%", end);
      if (end == std::string::npos) {
        fail_here(tag, "this raw block has no end, {% endraw %} is missing");
      }
      const char sign = sign_at(end + 2);
      std::size_t mark = skip_spaces(end + 2 + (sign != '\0' ? 1 : 0));
      if (!at(mark, "endraw")) continue;
      mark = skip_spaces(mark + 6);
      const char end_sign = sign_at(mark);
      if (end_sign != '\0') ++mark;
      if (!at(mark, "%}")) continue;
      const std::size_t data_end = strip_before_tag(begin, end, sign, false);
      if (data_end > begin) add(TokenKind::data, begin, source_.substr(begin, data_end - begin));
      close_tag(mark, end_sign, false);
      return true;
    }
  }

  // The tokens behind a tag's begin, which was added last.
  void lex_tag(std::string_view close, TokenKind end_kind) {
    const Position tag = tokens_.back().position;
    std::string open_brackets;
    while (true) {
      position_ = skip_spaces(position_);
      if (position_ >= source_.size()) {
        fail_at(tag, ErrorCode::invalid_input, "this tag has no end, \"{}\" is missing", close);
      }
      if (open_brackets.empty() && lex_tag_end(close, end_kind)) return;
      const char c = source_[position_];
      if (is_ascii_digit(c)) {
        lex_number();
      } else if (c == '\'' || c == '"') {
        lex_string();
      } else if (!lex_name()) {
        lex_operator(open_brackets);
      }
    }
  }

  bool lex_tag_end(std::string_view close, TokenKind end_kind) {
    const bool is_variable = end_kind == TokenKind::variable_end;
    const bool has_sign = at(position_, "-") || (at(position_, "+") && !is_variable);
    const std::size_t mark = position_ + (has_sign ? 1 : 0);
    if (!at(mark, close)) return false;
    add(end_kind, position_, std::string(close));
    close_tag(mark, has_sign ? source_[position_] : '\0', is_variable);
    return true;
  }

  bool lex_name() {
    std::size_t end = position_;
    while (end < source_.size()) {
      const Utf8Char c = decode_utf8(std::string_view(source_).substr(end));
      if (!is_identifier_char(c.code_point)) break;
      end += c.n_bytes;
    }
    if (end == position_) return false;
    add(TokenKind::name, position_, source_.substr(position_, end - position_));
    position_ = end;
    return true;
  }

  // Digits of `base` with single underscores between them; returns the end.
  std::size_t scan_digits(std::size_t offset, int base) const {
    while (offset < source_.size()) {
      const std::size_t digit = offset + (source_[offset] == '_' ? 1 : 0);
      if (digit >= source_.size() || !is_digit_of(source_[digit], base)) break;
      offset = digit + 1;
    }
    return offset;
  }

  std::string without_underscores(std::size_t begin, std::size_t end) const {
    std::string digits = source_.substr(begin, end - begin);
    std::erase(digits, '_');
    return digits;
  }

  // The end of a float that begins here, or `position_` when there is none.
  std::size_t scan_float() const {
    if (position_ > 0 && source_[position_ - 1] == '.') return position_;
    const std::size_t whole = scan_digits(position_, 10);
    std::size_t end = whole;
    if (at(end, ".") && end + 1 < source_.size() && is_ascii_digit(source_[end + 1])) {
      end = scan_digits(end + 1, 10);
    }
    if (at(end, "e") || at(end, "E")) {
      std::size_t exponent = end + 1;
      if (sign_at(exponent) != '\0') ++exponent;
      if (exponent < source_.size() && is_ascii_digit(source_[exponent])) {
        return scan_digits(exponent, 10);
      }
    }
    return end > whole ? end : position_;
  }

  void lex_number() {
    const std::size_t begin = position_;
    if (const std::size_t end = scan_float(); end > begin) {
      const std::string digits = without_underscores(begin, end);
      // from_chars leaves the value alone when the exponent is out of range.
      double value = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), value);
      add(TokenKind::real, begin, digits).real = value;
      position_ = end;
      return;
    }
    int base = 10;
    std::size_t digits_begin = begin;
    if (source_[begin] == '0' && begin + 2 < source_.size()) {
      const char mark = static_cast<char>(source_[begin + 1] | 0x20);
      const int wanted = mark == 'b' ? 2 : mark == 'o' ? 8 : mark == 'x' ? 16 : 10;
      if (wanted != 10 && scan_digits(begin + 2, wanted) > begin + 2) {
        base = wanted;
        digits_begin = begin + 2;
      }
    }
    std::size_t end = scan_digits(digits_begin, base);
    if (base == 10 && source_[begin] == '0') {  // "007" is 0, 0, 7 to Jinja
      end = begin + 1;
      while (end < source_.size() && source_[end] == '0') ++end;
    }
    const std::string digits = without_underscores(digits_begin, end);
    std::int64_t value = 0;
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    const bool is_big = result.ec != std::errc();
    if (is_big && digits.size() > kMaxDigits) {
      fail_at(position_of(begin), ErrorCode::unsupported, "an integer of {} digits", digits.size());
    }
    Token& token =
        add(TokenKind::integer, begin, is_big ? text_of(digits_of(digits, base)) : digits);
    token.integer = value;
    token.is_big = is_big;
    position_ = end;
  }

  void lex_string() {
    const std::size_t begin = position_;
    const char quote = source_[begin];
    std::string text;
    std::size_t i = begin + 1;
    for (; i < source_.size() && source_[i] != quote;) {
      if (source_[i] == '\\' && i + 1 < source_.size()) {
        i = lex_escape(i + 1, begin, text);
      } else {
        text += source_[i++];
      }
    }
    if (i >= source_.size()) fail_here(begin, "this string has no end");
    add(TokenKind::string, begin, std::move(text));
    position_ = i + 1;
  }

  // `i` is behind the backslash; appends what the escape stands for and returns its end.
  std::size_t lex_escape(std::size_t i, std::size_t begin, std::string& text) {
    static constexpr std::string_view kNames = "abfnrtv\\'\"";
    static constexpr std::string_view kBytes = "\a\b\f\n\r\t\v\\'\"";
    const char c = source_[i];
    if (c == '\n') return i + 1;
    if (const std::size_t name = kNames.find(c); name != std::string_view::npos) {
      text += kBytes[name];
      return i + 1;
    }
    if (c == 'N') fail_at(position_of(begin), ErrorCode::unsupported, "\\N{{...}} in a string");
    const std::size_t n_hex = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    const bool is_octal = c >= '0' && c <= '7';
    if (n_hex == 0 && !is_octal) {
      text += '\\';  // as in Python: an unknown escape stays as it is
      return i;
    }
    const std::size_t first = is_octal ? i : i + 1;
    const std::size_t max_digits = is_octal ? 3 : n_hex;
    std::size_t end = first;
    while (end < source_.size() && end < first + max_digits &&
           is_digit_of(source_[end], is_octal ? 8 : 16)) {
      ++end;
    }
    std::uint32_t code_point = 0;
    std::from_chars(source_.data() + first, source_.data() + end, code_point, is_octal ? 8 : 16);
    const bool is_surrogate = code_point >= 0xD800 && code_point < 0xE000;
    if ((!is_octal && end - first != n_hex) || code_point > 0x10FFFF || is_surrogate) {
      fail_here(begin, "bad escape \\" + source_.substr(i, end - i) + " in a string");
    }
    append_utf8(text, code_point);
    return end;
  }

  void lex_operator(std::string& open_brackets) {
    static constexpr std::array<std::string_view, 6> kPairs = {"//", "**", "==", "!=", ">=", "<="};
    for (std::string_view pair : kPairs) {
      if (at(position_, pair)) {
        add(TokenKind::op, position_, std::string(pair));
        position_ += 2;
        return;
      }
    }
    const char c = source_[position_];
    if (std::string_view("+-/*%~[](){}><=.:|,;").find(c) == std::string_view::npos) {
      const std::size_t n_bytes = decode_utf8(std::string_view(source_).substr(position_)).n_bytes;
      fail_here(position_, "unexpected character '" + source_.substr(position_, n_bytes) + "'");
    }
    balance(c, open_brackets);
    add(TokenKind::op, position_, std::string(1, c));
    ++position_;
  }

  void balance(char c, std::string& open_brackets) {
    if (c == '(') open_brackets += ')';
    if (c == '[') open_brackets += ']';
    if (c == '{') open_brackets += '}';
    if (c != ')' && c != ']' && c != '}') return;
    if (open_brackets.empty()) fail_here(position_, std::string("unexpected '") + c + "'");
    if (open_brackets.back() != c) {
      fail_here(position_,
                std::string("unexpected '") + c + "', expected '" + open_brackets.back() + "'");
    }
    open_brackets.pop_back();
  }

  std::string source_;
  std::size_t position_ = 0;
  bool line_starting_ = true;  // the text before position_ ends a line
  std::vector<Token> tokens_;
  std::size_t counted_ = 0;  // position_of has counted [0, counted_)
  Position counted_position_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  if (source.size() > kMaxSourceBytes) {
    fail(ErrorCode::unsupported, "chat template: is {} bytes, must be at most {}", source.size(),
         kMaxSourceBytes);
  }
  std::string text = normalize_newlines(replace_ill_formed(source));
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return Lexer(std::move(text)).run();
}

Value number_of(const Token& token) {
  if (token.kind == TokenKind::real) return make_real(token.real);
  return token.is_big ? make_whole(token.text) : make_integer(token.integer);
}

std::string describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::data: return "template text";
    case TokenKind::variable_begin: return "begin of print statement";
    case TokenKind::variable_end: return "end of print statement";
    case TokenKind::block_begin: return "begin of statement block";
    case TokenKind::block_end: return "end of statement block";
    case TokenKind::string: return "string";
    case TokenKind::end: return "end of template";
    case TokenKind::name:
    case TokenKind::integer:
    case TokenKind::real:
    case TokenKind::op: return token.text;
  }
  return "";
}

}  // namespace tinyllm::jinja

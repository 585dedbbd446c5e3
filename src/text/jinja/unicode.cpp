#include "text/jinja/unicode.h"

#include <utf8proc.h>

#include <cstring>

#include "base/utf8.h"
#include "text/jinja/special_characters.h"

namespace tinyllm::jinja {
namespace {

utf8proc_category_t category(char32_t code_point) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
}

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

}  // namespace

bool is_space(char32_t c) {
  if (c < 0x80) return (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_identifier_char(char32_t c) {
  if (c < 0x80) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
  }
  return is_letter(c);
}

bool is_printable(char32_t c) {
  if (c < 0x7F) return c >= 0x20;
  switch (category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS: return false;
    default: return true;
  }
}

std::size_t count_leading_spaces(std::string_view text) {
  std::size_t n_bytes = 0;
  while (n_bytes < text.size()) {
    const Utf8Char c = decode_utf8(text.substr(n_bytes));
    if (!is_space(c.code_point)) break;
    n_bytes += c.n_bytes;
  }
  return n_bytes;
}

std::size_t count_trailing_spaces(std::string_view text) {
  std::size_t end = text.size();
  while (end > 0) {
    const std::size_t n_bytes = last_char_bytes(text, end);
    if (!is_space(decode_utf8(text.substr(end - n_bytes)).code_point)) break;
    end -= n_bytes;
  }
  return text.size() - end;
}

std::size_t count_chars(std::string_view text) {
  std::size_t n_chars = 0;
  for (const char byte : text) n_chars += is_continuation(byte) ? 0 : 1;
  return n_chars;
}

std::size_t char_offset(std::string_view text, std::size_t n_chars) {
  std::size_t offset = 0;
  for (; offset < text.size(); ++offset) {
    if (is_continuation(text[offset])) continue;
    if (n_chars == 0) break;
    --n_chars;
  }
  return offset;
}

std::size_t last_char_bytes(std::string_view text, std::size_t end) {
  std::size_t begin = end - 1;
  while (begin > 0 && is_continuation(text[begin])) --begin;
  return end - begin;
}

std::string change_case(char32_t c, LetterCase to) {
  std::string out;
  if (to == LetterCase::unchanged) {
    append_utf8(out, c);
    return out;
  }
  const std::u32string_view special = to == LetterCase::upper   ? special_upper(c)
                                      : to == LetterCase::title ? special_title(c)
                                      : c == 0x130              ? U"i\u0307"
                                                                : U"";
  for (const char32_t part : special) append_utf8(out, part);
  if (!special.empty()) return out;
  const auto code = static_cast<utf8proc_int32_t>(c);
  const utf8proc_int32_t changed = to == LetterCase::lower   ? utf8proc_tolower(code)
                                   : to == LetterCase::upper ? utf8proc_toupper(code)
                                                             : utf8proc_totitle(code);
  append_utf8(out, static_cast<char32_t>(changed));
  return out;
}

bool is_upper(char32_t c) { return category(c) == UTF8PROC_CATEGORY_LU || is_other_uppercase(c); }
bool is_lower(char32_t c) { return category(c) == UTF8PROC_CATEGORY_LL || is_other_lowercase(c); }
bool is_cased(char32_t c) {
  return is_upper(c) || is_lower(c) || category(c) == UTF8PROC_CATEGORY_LT;
}

bool is_case_ignorable(char32_t c) {
  static constexpr std::u32string_view kInWords =
      U"'.:^`"
      U"\u00A8\u00AD\u00AF\u00B4\u00B7\u00B8\u0387\u055F\u05F4\u2018\u2019\u2024\u2027\uFE13\uFE52"
      U"\uFE55\uFF07\uFF0E\uFF1A";
  switch (category(c)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK: return true;
    default: return kInWords.find(c) != std::u32string_view::npos;
  }
}

bool is_letter(char32_t c) {
  const utf8proc_category_t found = category(c);
  return found >= UTF8PROC_CATEGORY_LU && found <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal_digit(char32_t c) { return category(c) == UTF8PROC_CATEGORY_ND; }
int decimal_digit_value(char32_t c) {
  int n_before = 0;  // the digits 0 to 9 of a script stand side by side
  while (c > 0 && is_decimal_digit(c - 1)) {
    --c;
    ++n_before;
  }
  return n_before % 10;
}

bool is_digit(char32_t c) { return is_decimal_digit(c) || is_other_digit(c); }

bool is_alphanumeric(char32_t c) {
  const utf8proc_category_t found = category(c);
  return is_letter(c) || found == UTF8PROC_CATEGORY_ND || found == UTF8PROC_CATEGORY_NL ||
         found == UTF8PROC_CATEGORY_NO;
}

std::size_t find_text(std::string_view text, std::string_view needle, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  if (needle.empty()) return from;
  const void* found = memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

}  // namespace tinyllm::jinja

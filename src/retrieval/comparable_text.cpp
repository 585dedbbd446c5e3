#include "retrieval/comparable_text.h"

#include <utf8proc.h>

#include <array>

#include "base/utf8.h"
#include "retrieval/word_characters.h"
#include "text/bert_characters.h"
#include "text/normalizer.h"

namespace tinyllm {
namespace {

// "[text](target)" becomes "[text]".
std::string without_targets(std::string_view text) {
  std::string out;
  while (true) {
    const std::size_t open = text.find("](");
    const std::size_t close = open == text.npos ? open : text.find_first_of(")\n", open);
    if (close == text.npos) return out += text;
    out += text.substr(0, text[close] == ')' ? open + 1 : close);
    text.remove_prefix(text[close] == ')' ? close + 1 : close);
  }
}

// Case folded and NFKD.
std::string folded(std::string_view text) {
  std::string out;
  for (Utf8Char c{}; !text.empty(); text.remove_prefix(c.n_bytes)) {
    c = decode_utf8(text);
    std::array<utf8proc_int32_t, 32> parts{};  // the longest decomposition has 18
    const utf8proc_ssize_t n = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(c.code_point), parts.data(), std::ssize(parts),
        static_cast<utf8proc_option_t>(UTF8PROC_COMPAT | UTF8PROC_CASEFOLD), nullptr);
    for (utf8proc_ssize_t i = 0; i < n; ++i)
      append_utf8(out, static_cast<char32_t>(parts[static_cast<std::size_t>(i)]));
  }
  return normalize_nfd(out);
}

// Parts no words: Markdown's marks and what is not seen (zero width, soft hyphens).
bool is_nothing(char32_t c) {
  return c == '*' || c == '`' || c == '_' || c == '~' || c == '\\' ||
         utf8proc_category(static_cast<utf8proc_int32_t>(c)) == UTF8PROC_CATEGORY_CF;
}

bool is_sign(char32_t c) {
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return c == '%' || category == UTF8PROC_CATEGORY_SC ||
         (category == UTF8PROC_CATEGORY_SM && c != '|');
}

bool is_hyphen(char32_t c) { return c == '-' || c == 0xAD || c == 0x2010; }

bool is_word_of_its_own(char32_t c) { return is_bert_ideograph(c) || (c >= 0x3041 && c <= 0x30FA); }

// The bytes of a line's end with the blanks around it, where a letter follows; else 0.
std::size_t line_end_bytes(std::string_view text) {
  const std::size_t n = text.find_first_not_of(" \n\r\t");
  if (n == text.npos || text.substr(0, n).find('\n') == text.npos) return 0;
  return is_word_character(decode_utf8(text.substr(n)).code_point) ? n : 0;
}

}  // namespace

std::string comparable_words(std::string_view text) {
  const std::string whole = folded(without_targets(text));
  std::string_view rest = whole;
  std::string out;
  bool in_word = false, begins_line = true;
  const auto end_word = [&] {
    if (in_word) out += ' ';
    in_word = false;
  };
  const auto add = [&](std::string_view character) {
    if (out.empty()) out = " ";
    out += character;
    in_word = true;
  };
  while (!rest.empty()) {
    const Utf8Char c = decode_utf8(rest);
    const std::string_view character = rest.substr(0, c.n_bytes);
    rest.remove_prefix(c.n_bytes);
    const bool is_quote_mark = c.code_point == '>' && begins_line;
    begins_line = c.code_point == '\n' || (begins_line && (c.code_point == ' ' || is_quote_mark));
    if (is_hyphen(c.code_point) && in_word) {
      rest.remove_prefix(line_end_bytes(rest));
    } else if (is_nothing(c.code_point)) {
      continue;
    } else if (is_word_of_its_own(c.code_point) || (is_sign(c.code_point) && !is_quote_mark)) {
      end_word();
      add(character);
      end_word();
    } else if (is_word_character(c.code_point)) {
      add(character);
    } else {
      end_word();
    }
  }
  end_word();
  return out;
}

}  // namespace tinyllm

#include "text/bert_normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdint>

#include "base/utf8.h"
#include "text/bert_characters.h"
#include "text/normalizer.h"

namespace tinyllm {
namespace {

bool is_all_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char byte) { return byte < 0x80; });
}

// The text anew: each(out, code_point) appends what becomes of a character.
template <typename Each>
std::string rewrite(std::string_view text, Each each) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Char c = decode_utf8(text);
    each(out, c.code_point);
    text.remove_prefix(c.n_bytes);
  }
  return out;
}

void append_clean(std::string& out, char32_t code_point, const BertNormalizer& rules) {
  if (rules.clean_text) {
    if (is_bert_removed(code_point)) return;
    if (is_bert_space(code_point)) code_point = ' ';
  }
  const bool stands_alone = rules.separate_ideographs && is_bert_ideograph(code_point);
  if (stands_alone) out += ' ';
  append_utf8(out, code_point);
  if (stands_alone) out += ' ';
}

void append_lower(std::string& out, char32_t code_point) {
  constexpr char32_t kCapitalIWithDot = 0x130;  // the one whose lower case has two characters
  if (code_point == kCapitalIWithDot) {
    out += "i\xCC\x87";
    return;
  }
  append_utf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<std::int32_t>(code_point))));
}

}  // namespace

std::string BertNormalizer::operator()(std::string_view text) const {
  std::string out = rewrite(
      text, [&](std::string& to, char32_t code_point) { append_clean(to, code_point, *this); });
  if (is_all_ascii(out)) {
    if (lowercase) {
      std::ranges::transform(out, out.begin(),
                             [](char c) { return 'A' <= c && c <= 'Z' ? c - 'A' + 'a' : c; });
    }
    return out;
  }
  if (strip_accents) {
    out = rewrite(normalize_nfd(out), [](std::string& to, char32_t code_point) {
      if (!is_bert_mark(code_point)) append_utf8(to, code_point);
    });
  }
  return lowercase ? rewrite(out, append_lower) : out;
}

}  // namespace tinyllm

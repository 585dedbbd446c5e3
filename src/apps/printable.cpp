#include "apps/printable.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"

namespace tinyllm {
namespace {

struct CodePoints {
  char32_t first, last;
};

// Zero width, fillers that look like a space, direction, line separators, invisible operators and
// marks, selectors of variants, tags: what Unicode calls default ignorable, and U+2800. web/cards.js
// has the same.
constexpr auto kHidden = std::to_array<CodePoints>({
    {0xAD, 0xAD},
    {0x34F, 0x34F},
    {0x61C, 0x61C},
    {0x115F, 0x1160},
    {0x17B4, 0x17B5},
    {0x180B, 0x180F},
    {0x200B, 0x200F},
    {0x2028, 0x202E},
    {0x2060, 0x206F},
    {0x2800, 0x2800},
    {0x3164, 0x3164},
    {0xFE00, 0xFE0F},
    {0xFEFF, 0xFEFF},
    {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFF8},
    {0x1BCA0, 0x1BCA3},
    {0x1D173, 0x1D17A},
    {0xE0000, 0xE0FFF},
});

bool hides(char32_t c) {
  return std::ranges::any_of(kHidden,
                             [c](const CodePoints& it) { return it.first <= c && c <= it.last; });
}

}  // namespace

std::string printable(std::string_view text, bool several_lines) {
  const std::string whole = replace_ill_formed(text);
  std::string clean;
  clean.reserve(whole.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const auto c = static_cast<unsigned char>(whole[i]);
    const unsigned next = i + 1 < whole.size() ? static_cast<unsigned char>(whole[i + 1]) : 0u;
    if (several_lines && (c == '\n' || c == '\t')) {
      clean += whole[i];
    } else if (several_lines && c == '\r' && next == '\n') {
      continue;
    } else if (c == 0xC2 && next >= 0x80 && next < 0xA0) {  // U+0080 to U+009F
      clean += '?';
      ++i;
    } else {
      clean += c < 0x20 || c == 0x7F ? '?' : whole[i];
    }
  }
  return clean;
}

std::string plain_to_see(std::string_view text) {
  const std::string shown = printable(text);
  std::string plain;
  for (std::size_t i = 0; i < shown.size();) {
    const Utf8Char c = decode_utf8(std::string_view(shown).substr(i));
    plain += hides(c.code_point) ? "?" : shown.substr(i, c.n_bytes);
    i += c.n_bytes;
  }
  return plain;
}

}  // namespace tinyllm

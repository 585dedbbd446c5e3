#include "apps/printable.h"

#include "base/utf8.h"

namespace tinyllm {
namespace {

// Zero width, direction, line separators, invisible operators, tags.
bool hides(char32_t c) {
  return (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || (c >= 0xE0000 && c <= 0xE007F);
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

#include "apps/printable.h"

#include "base/utf8.h"

namespace tinyllm {

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

}  // namespace tinyllm

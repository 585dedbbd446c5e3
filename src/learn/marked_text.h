#pragma once
// The marks inside a paragraph of a lesson: **bold**, `code`, *emphasis*. Any thread.

#include <cctype>
#include <string>
#include <string_view>

namespace tinyllm::learn {

// Calls inside(text) for what stands between two `mark`s, outside(text) for the rest.
template <typename Outside, typename Inside>
void split_marked(std::string_view text, std::string_view mark, Outside&& outside,
                  Inside&& inside) {
  for (bool in = false;; in = !in) {
    const std::size_t at = text.find(mark);
    const std::string_view part = text.substr(0, at);
    in ? inside(part) : outside(part);
    if (at == text.npos) return;
    text.remove_prefix(at + mark.size());
  }
}

// *word* with `open` and `close` in place of its stars. A star beside a space is a product.
inline std::string with_emphasis(std::string_view text, std::string_view open,
                                 std::string_view close) {
  const auto is_letter = [&](std::size_t i) {
    return i < text.size() && std::isalnum(static_cast<unsigned char>(text[i])) != 0;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t end = text[i] == '*' && is_letter(i + 1) ? text.find('*', i + 1) : text.npos;
    if (end == text.npos || !is_letter(end - 1) || is_letter(end + 1)) {
      out += text[i];
      continue;
    }
    out.append(open).append(text.substr(i + 1, end - i - 1)).append(close);
    i = end;
  }
  return out;
}

}  // namespace tinyllm::learn

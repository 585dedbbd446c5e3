#pragma once
// A text cut at its line breaks, which are not part of the lines.

#include <string>
#include <string_view>
#include <vector>

namespace tinyllm::learn {

inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return lines;
}

}  // namespace tinyllm::learn

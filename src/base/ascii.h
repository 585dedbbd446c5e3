#pragma once
// Characters of ASCII, whatever the locale. Bytes above 0x7F are none of them.

#include <algorithm>
#include <string>
#include <string_view>

namespace tinyllm {

inline bool is_ascii_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
inline bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

// "Content-TYPE" gives "content-type".
inline std::string ascii_lower(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return copy;
}

}  // namespace tinyllm

#include "retrieval/sentences.h"

#include "retrieval/space.h"

#include <algorithm>

namespace tinyllm {
namespace {

// Does an item of a list or a row of a table begin here?
bool begins_item(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  if (text.empty()) return false;
  if (text.front() == '|' || text.front() == '>' || text.front() == '\n') return true;
  if (text.starts_with("- ") || text.starts_with("* ") || text.starts_with("+ ")) return true;
  const std::size_t n_digits = std::min(text.find_first_not_of("0123456789"), text.size());
  return n_digits > 0 && n_digits < 4 && text.substr(n_digits).starts_with(". ");
}

// The bytes of what ends a sentence at text[i], closing quotes and brackets with it; 0: nothing does.
std::size_t end_bytes(std::string_view text, std::size_t i) {
  for (const std::string_view wide : {"\u3002", "\uFF01", "\uFF1F"})
    if (text.substr(i).starts_with(wide)) return wide.size();
  if (text[i] != '.' && text[i] != '!' && text[i] != '?') return 0;
  return std::min(text.find_first_not_of(".!?\"')]*_`", i + 1), text.size()) - i;
}

}  // namespace

std::vector<std::string_view> sentences(std::string_view text) {
  std::vector<std::string_view> pieces;
  std::size_t begin = 0;
  const auto cut = [&](std::size_t end) {
    if (end > begin) pieces.push_back(text.substr(begin, end - begin));
    begin = end;
  };
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '\n' && begins_item(text.substr(i + 1))) {
      cut(++i);
    } else if (const std::size_t n = end_bytes(text, i); n > 0) {
      const bool is_wide = (static_cast<unsigned char>(text[i]) & 0x80) != 0;
      i += n;
      // "1.5" and "a.b" go on.
      if (!is_wide && i < text.size() && !is_space(text[i])) continue;
      while (i < text.size() && is_space(text[i])) ++i;
      cut(i);
    } else {
      ++i;
    }
  }
  cut(text.size());
  return pieces;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

std::size_t middle_of(std::string_view text) {
  const std::size_t middle = text.size() / 2;
  // Within a quarter of it.
  for (std::size_t i = std::min(middle + 1, text.size() - 1); i > middle - middle / 2; --i)
    if (is_space(text[i - 1])) return i;
  for (std::size_t i = middle; i > 0; --i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return i;
  return middle;
}

}  // namespace tinyllm

#include "apps/called_as.h"

#include <cstdlib>
#include <string_view>

namespace tinyllm {
namespace {

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }

// What $TINYLLM_CALLED_AS says, where it can stand in a line.
std::string_view program() {
  constexpr std::size_t kLongest = 200;
  const char* value = std::getenv("TINYLLM_CALLED_AS");
  const std::string_view name = value == nullptr ? "" : value;
  for (const unsigned char c : name) {
    if (c <= 0x20 || c == 0x7F) return "";
  }
  return name.size() > kLongest ? "" : name;
}

}  // namespace

std::string as_called(std::string text) {
  constexpr std::string_view kOwn = "tinyllm ";
  const std::string_view name = program();
  if (name.empty()) return text;
  for (std::size_t at = 0; (at = text.find(kOwn, at)) != text.npos;) {
    const std::size_t end = at + kOwn.size();
    const char before = at == 0 ? ' ' : text[at - 1];
    const bool starts = std::string_view(" \n\"'`(").find(before) != std::string_view::npos;
    const bool is_command = end < text.size() && (is_letter(text[end]) || text[end] == '-' ||
                                                  text.compare(end, 7, "COMMAND") == 0);
    if (starts && is_command) {
      text.replace(at, kOwn.size() - 1, name);
      at += name.size();
    } else {
      at = end;
    }
  }
  return text;
}

}  // namespace tinyllm

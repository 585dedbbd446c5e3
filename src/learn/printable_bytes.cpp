#include "learn/printable_bytes.h"

#include <fmt/format.h>

#include <cctype>

#include "base/utf8.h"

namespace tinyllm::learn {
namespace {

constexpr std::size_t kEscapeBytes = 4;  // "\xE4"

bool is_escape(std::string_view text) {
  const auto is_hex = [&](std::size_t i) {
    return std::isxdigit(static_cast<unsigned char>(text[i])) != 0;
  };
  return text.size() >= kEscapeBytes && text.starts_with("\\x") && is_hex(2) && is_hex(3);
}

}  // namespace

std::string escaped_bytes(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const Utf8Char next = decode_utf8(bytes);
    const bool is_control = next.code_point < 0x20 || next.code_point == 0x7F;
    const bool stays = next.well_formed && (!is_control || bytes[0] == '\n');
    for (std::size_t i = 0; i < next.n_bytes; ++i) {
      text += stays ? std::string(1, bytes[i])
                    : fmt::format("\\x{:02X}", static_cast<unsigned char>(bytes[i]));
    }
    bytes.remove_prefix(next.n_bytes);
  }
  return text;
}

std::string bytes_from_escaped(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const bool escape = is_escape(text);
    bytes += escape ? static_cast<char>(std::stoi(std::string(text.substr(2, 2)), nullptr, 16))
                    : text[0];
    text.remove_prefix(escape ? kEscapeBytes : 1);
  }
  return bytes;
}

}  // namespace tinyllm::learn

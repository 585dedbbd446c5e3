#include "base/utf8.h"

namespace tinyllm {
namespace {

struct Lead {
  std::size_t n_bytes;      // total length of the character, 0: not a lead byte
  unsigned char low, high;  // allowed range of the second byte
};

// Table 3-7 of the Unicode standard: well-formed byte sequences.
Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// Length of the longest well-formed prefix of a character at text[0];
// equals lead.n_bytes when complete.
std::size_t well_formed_prefix(std::string_view text, const Lead& lead) {
  std::size_t n = 1;
  while (n < lead.n_bytes && n < text.size()) {
    const auto byte = static_cast<unsigned char>(text[n]);
    const unsigned char low = n == 1 ? lead.low : 0x80;
    const unsigned char high = n == 1 ? lead.high : 0xBF;
    if (byte < low || byte > high) break;
    ++n;
  }
  return n;
}

}  // namespace

Utf8Char decode_utf8(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const Lead lead = lead_of(first);
  if (lead.n_bytes == 1) return {first, 1, true};
  if (lead.n_bytes == 0) return {kReplacementCharacter, 1, false};
  const std::size_t n = well_formed_prefix(text, lead);
  if (n < lead.n_bytes) return {kReplacementCharacter, n, false};
  char32_t code_point = first & (0xFF >> (lead.n_bytes + 1));
  for (std::size_t i = 1; i < n; ++i) {
    code_point = (code_point << 6) | (static_cast<unsigned char>(text[i]) & 0x3F);
  }
  return {code_point, n, true};
}

void append_utf8(std::string& out, char32_t code_point) {
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
    code_point = kReplacementCharacter;
  }
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | (code_point >> 6));
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | (code_point >> 12));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | (code_point >> 18));
    put(0x80 | ((code_point >> 12) & 0x3F));
    put(0x80 | ((code_point >> 6) & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    const Utf8Char c = decode_utf8(text);
    if (!c.well_formed) return false;
    text.remove_prefix(c.n_bytes);
  }
  return true;
}

std::string replace_ill_formed(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Char c = decode_utf8(text);
    append_utf8(out, c.code_point);
    text.remove_prefix(c.n_bytes);
  }
  return out;
}

std::size_t incomplete_suffix_bytes(std::string_view text) {
  for (std::size_t n = 1; n <= 3 && n <= text.size(); ++n) {
    const std::string_view tail = text.substr(text.size() - n);
    const Lead lead = lead_of(static_cast<unsigned char>(tail[0]));
    if (lead.n_bytes == 0) continue;
    const bool cut_short = lead.n_bytes > n && well_formed_prefix(tail, lead) == n;
    return cut_short ? n : 0;
  }
  return 0;
}

}  // namespace tinyllm

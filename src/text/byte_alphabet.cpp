// GPT-2's printable alphabet of bytes (Radford et al. 2019, "bytes_to_unicode" of its published
// encoder): a byte that prints in Latin-1 is its own character, the other 68 are U+0100, U+0101, ..
// in ascending order. A space is therefore "Ġ" (U+0120) and a line feed "Ċ" (U+010A).
#include <array>

#include "base/utf8.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {
namespace {

constexpr char32_t kFirstStandIn = 0x100;
constexpr std::size_t kStandIns = 68;

constexpr bool prints_as_itself(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

struct Alphabet {
  std::array<char32_t, 256> character_of_byte{};
  std::array<unsigned char, kStandIns> byte_of_stand_in{};
};

constexpr Alphabet make_alphabet() {
  Alphabet alphabet;
  std::size_t n_stand_ins = 0;
  for (unsigned byte = 0; byte < 256; ++byte) {
    if (prints_as_itself(byte)) {
      alphabet.character_of_byte[byte] = byte;
    } else {
      alphabet.character_of_byte[byte] = kFirstStandIn + static_cast<char32_t>(n_stand_ins);
      alphabet.byte_of_stand_in[n_stand_ins++] = static_cast<unsigned char>(byte);
    }
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

std::optional<std::string> bytes_from_printable(std::string_view printable) {
  std::string bytes;
  bytes.reserve(printable.size());
  while (!printable.empty()) {
    const Utf8Char c = decode_utf8(printable);
    if (c.code_point < 256 && prints_as_itself(static_cast<unsigned>(c.code_point))) {
      bytes.push_back(static_cast<char>(c.code_point));
    } else if (c.code_point >= kFirstStandIn && c.code_point < kFirstStandIn + kStandIns) {
      bytes.push_back(static_cast<char>(kAlphabet.byte_of_stand_in[c.code_point - kFirstStandIn]));
    } else {
      return std::nullopt;
    }
    printable.remove_prefix(c.n_bytes);
  }
  return bytes;
}

std::string printable_from_bytes(std::string_view bytes) {
  std::string printable;
  printable.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    append_utf8(printable, kAlphabet.character_of_byte[static_cast<unsigned char>(byte)]);
  }
  return printable;
}

}  // namespace tinyllm

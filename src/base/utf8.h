#pragma once
// UTF-8 as the Unicode standard (chapter 3, table 3-7) defines it.
// Ill-formed input is handled as Python's bytes.decode(errors="replace") does:
// each maximal ill-formed part becomes one U+FFFD. Any thread.

#include <cstddef>
#include <string>
#include <string_view>

namespace tinyllm {

inline constexpr char32_t kReplacementCharacter = 0xFFFD;

struct Utf8Char {
  char32_t code_point;  // kReplacementCharacter when ill formed
  std::size_t n_bytes;  // bytes consumed, 1..4
  bool well_formed;
};

// Reads the character at text[0]. `text` must not be empty.
Utf8Char decode_utf8(std::string_view text);

// Appends the 1..4 bytes of a code point (a surrogate or a value over 0x10FFFF appends U+FFFD).
void append_utf8(std::string& out, char32_t code_point);

bool is_valid_utf8(std::string_view text);

// Copy of `text` in which every maximal ill-formed part is U+FFFD.
std::string replace_ill_formed(std::string_view text);

// Bytes at the end of `text` that begin a character but do not finish it, 0..3. A streaming decoder
// holds them back. Bytes that can never become a character do not count.
std::size_t incomplete_suffix_bytes(std::string_view text);

}  // namespace tinyllm

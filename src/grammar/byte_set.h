#pragma once
// A set of bytes as 256 bits. Plain value.

#include <array>
#include <bit>
#include <cstdint>

namespace tinyllm {

struct ByteSet {
  std::array<std::uint64_t, 4> words{};

  static ByteSet all() { return {{~0ULL, ~0ULL, ~0ULL, ~0ULL}}; }
  // The bytes [low, high], both included.
  static ByteSet range(int low, int high) {
    ByteSet set;
    for (int byte = low; byte <= high; ++byte) set.insert(static_cast<std::uint8_t>(byte));
    return set;
  }

  void insert(std::uint8_t byte) { words[byte / 64] |= 1ULL << (byte % 64); }
  bool contains(std::uint8_t byte) const { return words[byte / 64] >> (byte % 64) & 1; }
  bool empty() const { return (words[0] | words[1] | words[2] | words[3]) == 0; }
  int size() const {
    int n = 0;
    for (const std::uint64_t word : words) n += std::popcount(word);
    return n;
  }

  friend ByteSet operator|(ByteSet a, const ByteSet& b) {
    for (int i = 0; i < 4; ++i) a.words[i] |= b.words[i];
    return a;
  }
  friend ByteSet operator&(ByteSet a, const ByteSet& b) {
    for (int i = 0; i < 4; ++i) a.words[i] &= b.words[i];
    return a;
  }
  friend bool operator==(const ByteSet&, const ByteSet&) = default;
};

}  // namespace tinyllm

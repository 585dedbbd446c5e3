#pragma once
// GGML's q3_k: 256 elements in 16 groups of 16, 3 bits each; a group has a signed 6-bit scale.
// x = scale * (group_scale - 32) * (code - 4), code in [0, 8). 3.4375 bits an element.

#include <cstddef>
#include <cstdint>

namespace tinyllm {

// Element 128 a + 32 b + l (a < 2, b < 4, l < 32) has bits 0..1 of its code in bits [2 b, 2 b + 2)
// of codes[32 a + l], and bit 2 in bit 4 a + b of high_bits[l].
struct [[gnu::packed]] Q3KBlock {
  std::uint8_t high_bits[32];
  std::uint8_t codes[64];
  std::uint8_t group_scales[12];  // 16 x 6 bits: bytes 0..7 hold the low four, 8..11 the high two
  std::uint16_t scale;            // binary16
};
static_assert(sizeof(Q3KBlock) == 110);

// The 6-bit scale of group g, less its offset: [-32, 32).
inline int q3_k_group_scale(const Q3KBlock& block, int g) {
  const std::uint8_t* packed = block.group_scales;
  const int low = g < 8 ? packed[g] & 15 : packed[g - 8] >> 4;
  const int high = packed[8 + g % 4] >> (g / 4 * 2) & 3;
  return (low | high << 4) - 32;
}

// src: the blocks of n_elems elements, any alignment. dst: [n_elems] f32.
void decode_q3_k(const std::byte* src, float* dst, std::int64_t n_elems);

}  // namespace tinyllm

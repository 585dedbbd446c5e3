#pragma once
// GGML's q6_k: 256 elements in 16 groups of 16, 6 bits each; a group has a signed byte as scale.
// x = scale * group_scale * (code - 32), code in [0, 64). 6.5625 bits an element.

#include <cstddef>
#include <cstdint>

namespace tinyllm {

// Element 128 a + 32 b + l (a < 2, b < 4, l < 32) has bits 0..3 of its code in the low (b < 2) or
// high nibble of low_bits[64 a + 32 (b % 2) + l], and bits 4..5 in bits [2 b, 2 b + 2) of
// high_bits[32 a + l].
struct [[gnu::packed]] Q6KBlock {
  std::uint8_t low_bits[128];
  std::uint8_t high_bits[64];
  std::int8_t group_scales[16];  // [g]: elements [16 g, 16 g + 16)
  std::uint16_t scale;           // binary16
};
static_assert(sizeof(Q6KBlock) == 210);

// src: the blocks of n_elems elements, any alignment. dst: [n_elems] f32.
void decode_q6_k(const std::byte* src, float* dst, std::int64_t n_elems);

// codes: [256] in [0, 64). Writes low_bits and high_bits.
void pack_q6_k_codes(const std::uint8_t* codes, Q6KBlock& block);

}  // namespace tinyllm

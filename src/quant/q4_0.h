#pragma once
// GGML's q4_0: 32 elements share one scale, 4 bits each. x = scale * (code - 8), code in [0, 16).
// 4.5 bits an element.

#include <cstddef>
#include <cstdint>

namespace tinyllm {

struct [[gnu::packed]] Q4_0Block {
  std::uint16_t scale;     // binary16
  std::uint8_t codes[16];  // [j]: low nibble is element j, high nibble element j + 16
};
static_assert(sizeof(Q4_0Block) == 18);

// src: the blocks of n_elems elements, any alignment. dst: [n_elems] f32.
void decode_q4_0(const std::byte* src, float* dst, std::int64_t n_elems);

// The element of largest magnitude gets code 0, so its sign decides the scale's.
// src: [n_elems] f32. dst: the blocks.
void encode_q4_0(const float* src, std::byte* dst, std::int64_t n_elems);

// codes: [32] in [0, 16).
void pack_q4_0_codes(const std::uint8_t* codes, Q4_0Block& block);

}  // namespace tinyllm

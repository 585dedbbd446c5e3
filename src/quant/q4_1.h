#pragma once
// GGML's q4_1: 32 elements share a scale and a minimum, 4 bits each. x = scale * code + min,
// code in [0, 16). 5 bits an element.

#include <cstddef>
#include <cstdint>

namespace tinyllm {

struct [[gnu::packed]] Q4_1Block {
  std::uint16_t scale, min;  // binary16
  std::uint8_t codes[16];    // [j]: low nibble is element j, high nibble element j + 16
};
static_assert(sizeof(Q4_1Block) == 20);

// src: the blocks of n_elems elements, any alignment. dst: [n_elems] f32.
void decode_q4_1(const std::byte* src, float* dst, std::int64_t n_elems);

// Smallest element: code 0, largest: code 15.
// src: [n_elems] f32. dst: the blocks.
void encode_q4_1(const float* src, std::byte* dst, std::int64_t n_elems);

}  // namespace tinyllm

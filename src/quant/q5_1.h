#pragma once
// GGML's q5_1: 32 elements share a scale and a minimum, 5 bits each. x = scale * code + min,
// code in [0, 32). 6 bits an element.

#include <cstddef>
#include <cstdint>

namespace tinyllm {

struct [[gnu::packed]] Q5_1Block {
  std::uint16_t scale, min;  // binary16
  std::uint32_t high_bits;   // bit j is bit 4 of element j's code, little-endian
  std::uint8_t codes[16];    // [j]: low nibble is element j, high nibble element j + 16
};
static_assert(sizeof(Q5_1Block) == 24);

// src: the blocks of n_elems elements, any alignment. dst: [n_elems] f32.
void decode_q5_1(const std::byte* src, float* dst, std::int64_t n_elems);

}  // namespace tinyllm

#pragma once
// GGML's q2_k: 256 elements in 16 groups of 16, 2 bits each; a group has a 4-bit scale and a 4-bit
// minimum. x = scale * group_scale * code - min * group_min, code in [0, 4). 2.625 bits an element.

#include <cstddef>
#include <cstdint>

namespace tinyllm {

struct [[gnu::packed]] Q2KBlock {
  std::uint8_t groups[16];   // [g]: low nibble is the group's scale, high nibble its minimum
  std::uint8_t codes[64];    // byte 32 a + l holds elements 128 a + 32 b + l in bits [2b, 2b + 2)
  std::uint16_t scale, min;  // binary16
};
static_assert(sizeof(Q2KBlock) == 84);

// src: the blocks of n_elems elements, any alignment. dst: [n_elems] f32.
void decode_q2_k(const std::byte* src, float* dst, std::int64_t n_elems);

}  // namespace tinyllm

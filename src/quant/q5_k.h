#pragma once
// GGML's q5_k: 256 elements in 8 groups of 32, 5 bits each; a group has a 6-bit scale and a 6-bit
// minimum. x = scale * group_scale * code - min * group_min, code in [0, 32). 5.5 bits an element.

#include <cstddef>
#include <cstdint>

namespace tinyllm {

struct [[gnu::packed]] Q5KBlock {
  std::uint16_t scale, min;    // binary16
  std::uint8_t groups[12];     // 8 x (6-bit scale, 6-bit minimum), see quant/k_groups.h
  std::uint8_t high_bits[32];  // byte l: bit g is bit 4 of the code of element 32 g + l
  std::uint8_t codes[128];     // byte 32 p + l: low nibble is element 64 p + l, high 64 p + 32 + l
};
static_assert(sizeof(Q5KBlock) == 176);

// src: the blocks of n_elems elements, any alignment. dst: [n_elems] f32.
void decode_q5_k(const std::byte* src, float* dst, std::int64_t n_elems);

}  // namespace tinyllm

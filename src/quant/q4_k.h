#pragma once
// GGML's q4_k: 256 elements in 8 groups of 32, 4 bits each; a group has a 6-bit scale and a 6-bit
// minimum. x = scale * group_scale * code - min * group_min, code in [0, 16). 4.5 bits an element.

#include <cstddef>
#include <cstdint>

namespace tinyllm {

struct [[gnu::packed]] Q4KBlock {
  std::uint16_t scale, min;  // binary16
  std::uint8_t groups[12];   // 8 x (6-bit scale, 6-bit minimum), see quant/k_groups.h
  std::uint8_t codes[128];   // byte 32 p + l: low nibble is element 64 p + l, high 64 p + 32 + l
};
static_assert(sizeof(Q4KBlock) == 144);

// src: the blocks of n_elems elements, any alignment. dst: [n_elems] f32.
void decode_q4_k(const std::byte* src, float* dst, std::int64_t n_elems);

// Plain rounding between each group's minimum (at most 0) and maximum; within half a step of the
// source. llama.cpp's quantiser searches for better scales than these.
// src: [n_elems] f32. dst: the blocks.
void encode_q4_k(const float* src, std::byte* dst, std::int64_t n_elems);

// One block whose groups have codes of width steps[g] that begin at -depths[g]. src: [256]; steps,
// depths: [8], >= 0. Both are rounded to 6 bits, and the codes are the nearest ones to that.
void encode_q4_k_block(const float* src, const float* steps, const float* depths, Q4KBlock& block);

}  // namespace tinyllm

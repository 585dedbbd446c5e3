#pragma once
// GGML's q8_0: 32 elements share one scale, a signed byte each. x = scale * code. We write codes in
// [-127, 127]; -128 is legal in a file. 8.5 bits an element.

#include <cstddef>
#include <cstdint>

namespace tinyllm {

struct [[gnu::packed]] Q8_0Block {
  std::uint16_t scale;  // binary16
  std::int8_t codes[32];
};
static_assert(sizeof(Q8_0Block) == 34);

// src: the blocks of n_elems elements, any alignment. dst: [n_elems] f32.
void decode_q8_0(const std::byte* src, float* dst, std::int64_t n_elems);

// scale = largest magnitude / 127.
// src: [n_elems] f32. dst: the blocks.
void encode_q8_0(const float* src, std::byte* dst, std::int64_t n_elems);

}  // namespace tinyllm

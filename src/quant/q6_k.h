#pragma once
// GGML's q6_k: 256 elements in 16 groups of 16, 6 bits each; a group has a signed byte as scale.
// x = scale * group_scale * (code - 32), code in [0, 64). 6.5625 bits an element.

#include <cstddef>
#include <cstdint>

namespace tinyllm {

struct [[gnu::packed]] Q6KBlock {
  std::uint8_t low_bits[128];  // bits 0..3: byte 64 a + 32 b + l holds elements 128 a + 32 b + l
                               // (low nibble) and 128 a + 64 + 32 b + l (high nibble)
  std::uint8_t
      high_bits[64];  // bits 4..5: byte 32 a + l, bits [2c, 2c + 2): element 128 a + 32 c + l
  std::int8_t group_scales[16];  // [g]: elements [16 g, 16 g + 16)
  std::uint16_t scale;           // binary16
};
static_assert(sizeof(Q6KBlock) == 210);

// src: the blocks of n_elems elements, any alignment. dst: [n_elems] f32.
void decode_q6_k(const std::byte* src, float* dst, std::int64_t n_elems);

}  // namespace tinyllm

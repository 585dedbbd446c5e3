#pragma once
// GGML's iq4_nl: 32 elements share one scale, 4 bits each pick one of 16 unevenly spaced levels,
// dense around zero as weights are. x = scale * level[code]. 4.5 bits an element.

#include <cstddef>
#include <cstdint>

namespace tinyllm {

struct [[gnu::packed]] Iq4NlBlock {
  std::uint16_t scale;     // binary16
  std::uint8_t codes[16];  // [j]: low nibble is element j, high nibble element j + 16
};
static_assert(sizeof(Iq4NlBlock) == 18);

inline constexpr std::int8_t kIq4NlLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                 1,    13,   25,  38,  53,  69,  89,  113};

// src: the blocks of n_elems elements, any alignment. dst: [n_elems] f32.
void decode_iq4_nl(const std::byte* src, float* dst, std::int64_t n_elems);

}  // namespace tinyllm

#pragma once
// The cosines and sines by which RoPE turns the pairs of a head (Su et al. 2021, RoFormer).

#include <cstdint>
#include <vector>

#include "rope/rope_frequencies.h"

namespace tinyllm {

struct RopeTable {
  std::vector<float> cos, sin;  // [n_positions, head_dim / 2] each
};

// cos[p][i] = cos(p * inv_freq[i]) * attention_factor, sin likewise, for p in [0, n_positions).
// Computed in double, since an angle of thousands of radians has few good digits left in f32.
RopeTable rope_table(const RopeFrequencies& frequencies, std::int64_t n_positions);

}  // namespace tinyllm

#pragma once
// The cosines and sines by which rotary position embedding turns each pair (Su et al. 2021,
// RoFormer).

#include <cstdint>

namespace tinyllm::scalar {

// cos[p][i] = cos((first_position + p) * inv_freq[i]) * attention_factor, sin likewise. Computed in
// double, since an angle of thousands of radians has few good digits left in f32; stored as f32.
// inv_freq: [n_pairs], radians a position. cos, sin: [n_positions, n_pairs] f32.
// attention_factor: 1, but for YaRN, which sharpens attention through it.
void rope_table(const double* inv_freq, std::int64_t n_pairs, double attention_factor,
                std::int64_t first_position, std::int64_t n_positions, float* cos, float* sin);

}  // namespace tinyllm::scalar

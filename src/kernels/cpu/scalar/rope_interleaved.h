#pragma once
// Rotary position embedding of one head, pairs (0, 1), (2, 3), ...: Su et al. 2021, RoFormer.

#include <cstdint>

namespace tinyllm::scalar {

// Turns pair i by its angle: (a, b) -> (a cos[i] - b sin[i], a sin[i] + b cos[i]) with a = x[2 i],
// b = x[2 i + 1]. x: [head_dim] f32, in place.
// cos, sin: [head_dim / 2] f32, the row of the token's position in the RoPE table.
void rope_interleaved(float* x, const float* cos, const float* sin, std::int64_t head_dim);

}  // namespace tinyllm::scalar

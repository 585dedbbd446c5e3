#pragma once
// Rotary position embedding of one head, pairs (0, d/2), (1, d/2 + 1), ... (GPT-NeoX's order, which
// Hugging Face weights use).

#include <cstdint>

namespace tinyllm::scalar {

// Turns pair i by its angle: (a, b) -> (a cos[i] - b sin[i], a sin[i] + b cos[i]) with a = x[i],
// b = x[i + head_dim / 2]. x: [head_dim] f32, in place.
// cos, sin: [head_dim / 2] f32, the row of the token's position in the RoPE table.
void rope_split_halves(float* x, const float* cos, const float* sin, std::int64_t head_dim);

}  // namespace tinyllm::scalar

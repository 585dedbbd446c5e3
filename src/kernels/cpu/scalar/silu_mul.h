#pragma once
// The middle of a SwiGLU MLP (Shazeer 2020, GLU Variants Improve Transformer).

#include <cstdint>

namespace tinyllm::scalar {

// out[i] = silu(gate[i]) * up[i]. gate, up, out: [n] f32; out may be gate, but not up.
void silu_mul(const float* gate, const float* up, float* out, std::int64_t n);

}  // namespace tinyllm::scalar

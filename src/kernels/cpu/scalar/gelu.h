#pragma once
// The activation of BERT's feed-forward layers (Hendrycks & Gimpel 2016), the exact one with erf.

#include <cstdint>

namespace tinyllm::scalar {

// out[i] = x[i] / 2 * (1 + erf(x[i] / sqrt(2))). x, out: [n] f32; out may be x.
void gelu(const float* x, float* out, std::int64_t n);

}  // namespace tinyllm::scalar

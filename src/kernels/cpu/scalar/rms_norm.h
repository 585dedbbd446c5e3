#pragma once
// Root mean square layer norm (Zhang & Sennrich 2019): brings a vector to unit size.

#include <cstdint>

namespace tinyllm::scalar {

// out[i] = x[i] / sqrt(mean over j of x[j]^2 + eps) * weight[i]. eps stands inside the root.
// x, weight, out: [n] f32; out may be x.
void rms_norm(const float* x, const float* weight, float* out, std::int64_t n, float eps);

}  // namespace tinyllm::scalar

#pragma once
// Layer norm (Ba et al. 2016): a vector of mean 0 and variance 1, then scaled and moved.

#include <cstdint>

namespace tinyllm::scalar {

// out[i] = (x[i] - mean) / sqrt(variance + eps) * weight[i] + bias[i], both over x.
// x, weight, bias, out: [n] f32; out may be x.
void layer_norm(const float* x, const float* weight, const float* bias, float* out, std::int64_t n,
                float eps);

}  // namespace tinyllm::scalar

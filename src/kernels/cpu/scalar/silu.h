#pragma once
// The gate of the MLP: a smooth step times its input (Elfwing et al. 2017), also called swish.

#include <cstdint>

namespace tinyllm::scalar {

// out[i] = x[i] * sigmoid(x[i]) = x[i] / (1 + exp(-x[i])). x, out: [n] f32; out may be x.
void silu(const float* x, float* out, std::int64_t n);

}  // namespace tinyllm::scalar

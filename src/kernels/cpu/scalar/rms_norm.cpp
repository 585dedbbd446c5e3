#include "kernels/cpu/scalar/rms_norm.h"

#include <cmath>

void tinyllm::scalar::rms_norm(const float* x, const float* weight, float* out, std::int64_t n,
                               float eps) {
  // >>> norm.rms
  float sum_of_squares = 0.0f;
  for (std::int64_t i = 0; i < n; ++i) sum_of_squares += x[i] * x[i];
  const float scale = 1.0f / std::sqrt(sum_of_squares / static_cast<float>(n) + eps);
  for (std::int64_t i = 0; i < n; ++i) out[i] = x[i] * scale * weight[i];
  // <<< norm.rms
}

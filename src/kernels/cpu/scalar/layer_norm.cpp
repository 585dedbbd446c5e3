#include "kernels/cpu/scalar/layer_norm.h"

#include <cmath>

namespace tinyllm::scalar {

void layer_norm(const float* x, const float* weight, const float* bias, float* out, std::int64_t n,
                float eps) {
  float sum = 0.0f, squares = 0.0f;
  for (std::int64_t i = 0; i < n; ++i) sum += x[i];
  const float mean = sum / static_cast<float>(n);
  for (std::int64_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const float scale = 1.0f / std::sqrt(squares / static_cast<float>(n) + eps);
  for (std::int64_t i = 0; i < n; ++i) out[i] = (x[i] - mean) * scale * weight[i] + bias[i];
}

}  // namespace tinyllm::scalar

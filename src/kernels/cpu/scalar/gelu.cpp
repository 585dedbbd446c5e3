#include "kernels/cpu/scalar/gelu.h"

#include <cmath>
#include <numbers>

namespace tinyllm::scalar {

void gelu(const float* x, float* out, std::int64_t n) {
  constexpr float kInverseSqrt2 = 1.0f / std::numbers::sqrt2_v<float>;
  for (std::int64_t i = 0; i < n; ++i) out[i] = 0.5f * x[i] * std::erfc(-x[i] * kInverseSqrt2);
}

}  // namespace tinyllm::scalar

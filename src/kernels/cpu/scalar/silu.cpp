#include "kernels/cpu/scalar/silu.h"

#include <cmath>

namespace tinyllm::scalar {

void silu(const float* x, float* out, std::int64_t n) {
  // >>> mlp.silu
  for (std::int64_t i = 0; i < n; ++i) out[i] = x[i] / (1.0f + std::exp(-x[i]));
  // <<< mlp.silu
}

}  // namespace tinyllm::scalar

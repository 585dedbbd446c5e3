#include "kernels/cpu/scalar/silu_mul.h"

#include "kernels/cpu/scalar/silu.h"

namespace tinyllm::scalar {

void silu_mul(const float* gate, const float* up, float* out, std::int64_t n) {
  // >>> mlp.silu_mul
  silu(gate, out, n);
  for (std::int64_t i = 0; i < n; ++i) out[i] *= up[i];
  // <<< mlp.silu_mul
}

}  // namespace tinyllm::scalar

// Another way to mlp.silu_mul: one pass, nothing is called but exp, in double.
#include "kernels/cpu/scalar/silu_mul.h"

#include <cmath>

void tinyllm::scalar::silu_mul(const float* gate, const float* up, float* out, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    const double g = gate[i];
    out[i] = static_cast<float>(g / (1 + std::exp(-g)) * up[i]);
  }
}

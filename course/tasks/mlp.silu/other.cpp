// Another way to mlp.silu: sigmoid(x) = (1 + tanh(x / 2)) / 2, and its own exp for what is far below zero.
#include "kernels/cpu/scalar/silu.h"

#include <cmath>

void tinyllm::scalar::silu(const float* x, float* out, std::int64_t n) {
  for (std::int64_t i = n - 1; i >= 0; --i) {
    const double v = x[i];
    const double sigmoid = v < -8 ? std::exp(v) / (1 + std::exp(v)) : (1 + std::tanh(v / 2)) / 2;
    out[i] = static_cast<float>(v * sigmoid);
  }
}

// Another way to rope.split_halves: from the last pair on, each a complex number, and a turn is a product.
#include "kernels/cpu/scalar/rope_split_halves.h"

#include <complex>

void tinyllm::scalar::rope_split_halves(float* x, const float* cos, const float* sin,
                                        std::int64_t head_dim) {
  float* second = x + head_dim / 2;
  for (std::int64_t i = head_dim / 2 - 1; i >= 0; --i) {
    const std::complex<double> turned =
        std::complex<double>(x[i], second[i]) * std::complex<double>(cos[i], sin[i]);
    x[i] = static_cast<float>(turned.real());
    second[i] = static_cast<float>(turned.imag());
  }
}

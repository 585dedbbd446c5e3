// Another way to rope.interleaved: a pair is a complex number, and a turn is a product.
#include "kernels/cpu/scalar/rope_interleaved.h"

#include <complex>

void tinyllm::scalar::rope_interleaved(float* x, const float* cos, const float* sin,
                                       std::int64_t head_dim) {
  for (std::int64_t i = 0; i < head_dim / 2; ++i, x += 2) {
    const std::complex<double> turned =
        std::complex<double>(x[0], x[1]) * std::complex<double>(cos[i], sin[i]);
    x[0] = static_cast<float>(turned.real());
    x[1] = static_cast<float>(turned.imag());
  }
}

// Another way to matmul.naive: k is the outermost loop, every product goes straight into out.
#include "kernels/cpu/scalar/matmul.h"

void tinyllm::scalar::matmul(const float* a, std::int64_t a_stride, const float* b,
                             std::int64_t b_stride, float* out, std::int64_t out_stride,
                             std::int64_t n_m, std::int64_t n_n, std::int64_t n_k) {
  for (std::int64_t k = 0; k < n_k; ++k) {
    for (std::int64_t n = 0; n < n_n; ++n) {
      for (std::int64_t m = 0; m < n_m; ++m) {
        out[m * out_stride + n] += a[m * a_stride + k] * b[n * b_stride + k];
      }
    }
  }
}

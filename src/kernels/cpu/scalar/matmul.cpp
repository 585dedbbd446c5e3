#include "kernels/cpu/scalar/matmul.h"

#include "kernels/cpu/scalar/dot_f32.h"

void tinyllm::scalar::matmul(const float* a, std::int64_t a_stride, const float* b,
                             std::int64_t b_stride, float* out, std::int64_t out_stride,
                             std::int64_t n_m, std::int64_t n_n, std::int64_t n_k) {
  // >>> matmul.naive
  for (std::int64_t m = 0; m < n_m; ++m) {
    for (std::int64_t n = 0; n < n_n; ++n) {
      out[m * out_stride + n] += dot_f32(a + m * a_stride, b + n * b_stride, n_k);
    }
  }
  // <<< matmul.naive
}

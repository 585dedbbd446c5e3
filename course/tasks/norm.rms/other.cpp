// Another way to norm.rms: sums from the back in double, divides instead of multiplying.
#include "kernels/cpu/scalar/rms_norm.h"

#include <cmath>

void tinyllm::scalar::rms_norm(const float* x, const float* weight, float* out, std::int64_t n,
                               float eps) {
  double sum = 0;
  for (std::int64_t i = n - 1; i >= 0; --i) sum += static_cast<double>(x[i]) * x[i];
  const double root = std::sqrt(sum / static_cast<double>(n) + eps);
  for (std::int64_t i = n - 1; i >= 0; --i) {
    out[i] = static_cast<float>(x[i] / root * weight[i]);
  }
}

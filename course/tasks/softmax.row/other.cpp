// Another way to softmax.row: no second look at x, the logarithm of the sum goes into the exponent.
#include "kernels/cpu/scalar/softmax.h"

#include <algorithm>
#include <cmath>

void tinyllm::scalar::softmax(float* x, std::int64_t n) {
  const double largest = *std::max_element(x, x + n);
  double sum = 0;
  for (std::int64_t i = n - 1; i >= 0; --i) sum += std::exp(x[i] - largest);
  for (std::int64_t i = 0; i < n; ++i) {
    x[i] = static_cast<float>(std::exp(x[i] - largest - std::log(sum)));
  }
}

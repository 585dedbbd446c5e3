#include "kernels/cpu/scalar/softmax.h"

#include <algorithm>
#include <cmath>

void tinyllm::scalar::softmax(float* x, std::int64_t n) {
  // >>> softmax.row
  float largest = x[0];
  for (std::int64_t i = 1; i < n; ++i) largest = std::max(largest, x[i]);
  float sum = 0.0f;
  for (std::int64_t i = 0; i < n; ++i) {
    x[i] = std::exp(x[i] - largest);
    sum += x[i];
  }
  const float inverse_sum = 1.0f / sum;
  for (std::int64_t i = 0; i < n; ++i) x[i] *= inverse_sum;
  // <<< softmax.row
}

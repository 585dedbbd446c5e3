#include "kernels/cpu/scalar/add.h"

namespace tinyllm::scalar {

void add(float* x, const float* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) x[i] += y[i];
}

}  // namespace tinyllm::scalar

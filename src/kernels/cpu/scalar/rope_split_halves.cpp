#include "kernels/cpu/scalar/rope_split_halves.h"

namespace tinyllm::scalar {

void rope_split_halves(float* x, const float* cos, const float* sin, std::int64_t head_dim) {
  // >>> rope.split_halves
  const std::int64_t half = head_dim / 2;
  for (std::int64_t i = 0; i < half; ++i) {
    const float a = x[i];
    const float b = x[i + half];
    x[i] = a * cos[i] - b * sin[i];
    x[i + half] = a * sin[i] + b * cos[i];
  }
  // <<< rope.split_halves
}

}  // namespace tinyllm::scalar

#include "kernels/cpu/scalar/rope_interleaved.h"

namespace tinyllm::scalar {

void rope_interleaved(float* x, const float* cos, const float* sin, std::int64_t head_dim) {
  // >>> rope.interleaved
  for (std::int64_t i = 0; i < head_dim / 2; ++i) {
    const float a = x[2 * i];
    const float b = x[2 * i + 1];
    x[2 * i] = a * cos[i] - b * sin[i];
    x[2 * i + 1] = a * sin[i] + b * cos[i];
  }
  // <<< rope.interleaved
}

}  // namespace tinyllm::scalar

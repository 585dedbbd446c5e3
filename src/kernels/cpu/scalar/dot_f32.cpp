#include "kernels/cpu/scalar/dot_f32.h"

namespace tinyllm::scalar {

float dot_f32(const float* a, const float* b, std::int64_t n) {
  // 32 running sums, not one: an addition must wait for the one before it in the same sum, so
  // separate sums keep the adders busy (and round less). The compiler puts 8 of them in a register.
  constexpr int kSums = 32;
  float sums[kSums] = {};
  const std::int64_t n_whole = n / kSums * kSums;
  for (std::int64_t k = 0; k < n_whole; k += kSums) {
    for (int i = 0; i < kSums; ++i) sums[i] += a[k + i] * b[k + i];
  }
  float total = 0.0f;
  for (int i = 0; i < kSums; ++i) total += sums[i];
  for (std::int64_t k = n_whole; k < n; ++k) total += a[k] * b[k];
  return total;
}

}  // namespace tinyllm::scalar

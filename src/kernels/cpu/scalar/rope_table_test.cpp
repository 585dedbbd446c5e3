#include "kernels/cpu/scalar/rope_table.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/cpu/scalar/random_values_test.h"

namespace tinyllm::scalar {
namespace {

TEST(RopeTable, MatchesFloat64FarOut) {
  const double inv_freq[3] = {1.0, 0.1, 1e-6};
  constexpr std::int64_t kFirst = 100000, kPositions = 4;
  std::vector<float> cos(12), sin(12);
  rope_table(inv_freq, 3, 1.25, kFirst, kPositions, cos.data(), sin.data());
  for (std::size_t i = 0; i < 12; ++i) {
    const double angle =
        static_cast<double>(kFirst + static_cast<std::int64_t>(i / 3)) * inv_freq[i % 3];
    expect_close(cos[i], 1.25 * std::cos(angle), 1.25 * kEps, i);  // one rounding, to f32
    expect_close(sin[i], 1.25 * std::sin(angle), 1.25 * kEps, i);
  }
}

}  // namespace
}  // namespace tinyllm::scalar

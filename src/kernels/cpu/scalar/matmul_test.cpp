#include "kernels/cpu/scalar/matmul.h"

#include <gtest/gtest.h>

#include "kernels/cpu/scalar/random_values_test.h"

namespace tinyllm::scalar {
namespace {

TEST(Matmul, MatchesFloat64WithStridesAndAddsToOut) {
  constexpr std::size_t kM = 3, kN = 5, kK = 37, kStrideA = 41, kStrideB = 40, kStrideOut = 9;
  const std::vector<float> a = random_values(kM * kStrideA, 1), b = random_values(kN * kStrideB, 2);
  const std::vector<float> before = random_values(kM * kStrideOut, 3);
  std::vector<float> out = before;
  matmul(a.data(), kStrideA, b.data(), kStrideB, out.data(), kStrideOut, kM, kN, kK);
  for (std::size_t m = 0; m < kM; ++m) {
    for (std::size_t n = 0; n < kStrideOut; ++n) {
      const std::size_t i = m * kStrideOut + n;
      if (n >= kN) {
        EXPECT_EQ(out[i], before[i]) << "wrote past the row";
        continue;
      }
      const Float64Dot want = float64_dot(&a[m * kStrideA], &b[n * kStrideB], kK);
      const double norm = want.magnitude + std::abs(before[i]);
      expect_close(out[i], before[i] + want.value, 2.0 * (kK + 1) * kEps * norm, i);
    }
  }
}

}  // namespace
}  // namespace tinyllm::scalar

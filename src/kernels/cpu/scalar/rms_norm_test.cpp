#include "kernels/cpu/scalar/rms_norm.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/cpu/scalar/random_values_test.h"

namespace tinyllm::scalar {
namespace {

TEST(RmsNorm, MatchesFloat64AndMayWorkInPlace) {
  for (const std::size_t n : {1u, 5u, 64u, 576u, 1537u}) {
    for (const float spread : {1e-4f, 1.0f, 300.0f}) {  // 1e-4: eps outside the root would be seen
      const std::vector<float> x = random_values(n, 1, spread), weight = random_values(n, 2);
      std::vector<float> out = x;
      constexpr float kNormEps = 1e-6f;
      rms_norm(out.data(), weight.data(), out.data(), static_cast<std::int64_t>(n), kNormEps);
      const double mean = float64_dot(x.data(), x.data(), n).value / static_cast<double>(n);
      for (std::size_t i = 0; i < n; ++i) {
        const double want = x[i] / std::sqrt(mean + kNormEps) * weight[i];
        // The sum of n squares, halved by the root, then root, inverse and two products.
        expect_close(out[i], want, (static_cast<double>(n) + 6) * kEps * std::abs(want), i);
      }
    }
  }
}

TEST(RmsNorm, ZerosStayZero) {
  const float x[3] = {0, 0, 0}, weight[3] = {1, 2, 3};
  float out[3];
  rms_norm(x, weight, out, 3, 1e-5f);
  for (const float value : out) EXPECT_EQ(value, 0.0f);
}

}  // namespace
}  // namespace tinyllm::scalar

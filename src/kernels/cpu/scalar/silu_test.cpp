#include "kernels/cpu/scalar/silu.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/cpu/scalar/random_values_test.h"

namespace tinyllm::scalar {
namespace {

TEST(Silu, MatchesFloat64AndItsLimits) {
  const std::vector<float> x = random_values(101, 1, 5.0f);
  std::vector<float> out(x.size());
  silu(x.data(), out.data(), 101);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double want = x[i] / (1 + std::exp(-static_cast<double>(x[i])));
    expect_close(out[i], want, 6 * kEps * std::abs(want), i);  // exp (2 ulp), sum, quotient
  }
  const float far[3] = {-1e4f, 0.0f, 1e4f};
  silu(far, out.data(), 3);
  EXPECT_EQ(out[0], 0.0f);
  EXPECT_EQ(out[1], 0.0f);
  EXPECT_EQ(out[2], 1e4f);
}

}  // namespace
}  // namespace tinyllm::scalar

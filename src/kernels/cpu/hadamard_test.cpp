#include "kernels/cpu/hadamard.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace tinyllm {
namespace {

TEST(Hadamard, RowsOfAFourByFour) {
  // H = [1 1 1 1; 1 -1 1 -1; 1 1 -1 -1; 1 -1 -1 1] / 2.
  std::vector<float> x = {1, 2, 3, 4};
  hadamard_transform(x.data(), 4);
  EXPECT_EQ(x, (std::vector<float>{5, -1, -2, 0}));
}

TEST(Hadamard, KeepsDotsSpreadsAPeakAndUndoesItself) {
  const std::int64_t n = 128;
  std::vector<float> q(n), k(n);
  for (std::int64_t i = 0; i < n; ++i) {
    q[i] = std::sin(static_cast<float>(i));
    k[i] = i == 17 ? 100.0f : std::cos(static_cast<float>(3 * i));
  }
  const auto dot = [&] {
    double sum = 0;
    for (std::size_t i = 0; i < q.size(); ++i) sum += double{q[i]} * double{k[i]};
    return sum;
  };
  const double want = dot();
  const std::vector<float> original = k;
  hadamard_transform(q.data(), n);
  hadamard_transform(k.data(), n);
  EXPECT_NEAR(dot(), want, 1e-3);
  for (const float value : k) EXPECT_LT(std::abs(value), 100 / std::sqrt(128.0f) + 8);
  hadamard_transform(k.data(), n);
  for (std::size_t i = 0; i < k.size(); ++i) EXPECT_NEAR(k[i], original[i], 1e-4);
}

}  // namespace
}  // namespace tinyllm

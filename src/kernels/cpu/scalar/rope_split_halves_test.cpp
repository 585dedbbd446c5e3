#include "kernels/cpu/scalar/rope_split_halves.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/cpu/scalar/random_values_test.h"

namespace tinyllm::scalar {
namespace {

constexpr std::size_t kHeadDim = 10;

TEST(RopeSplitHalves, TurnsEachPairByItsAngle) {
  const std::vector<float> before = random_values(kHeadDim, 1);
  std::vector<float> x = before, cos(kHeadDim / 2), sin(kHeadDim / 2);
  for (std::size_t i = 0; i < kHeadDim / 2; ++i) {
    cos[i] = static_cast<float>(std::cos(1.0 + static_cast<double>(i)));
    sin[i] = static_cast<float>(std::sin(1.0 + static_cast<double>(i)));
  }
  rope_split_halves(x.data(), cos.data(), sin.data(), kHeadDim);
  for (std::size_t i = 0; i < kHeadDim / 2; ++i) {
    const std::size_t first = i, second = i + kHeadDim / 2;
    const double a = before[first], b = before[second];
    const double tolerance = 3 * kEps * (std::abs(a) + std::abs(b));  // two products and a sum
    expect_close(x[first], a * cos[i] - b * sin[i], tolerance, first);
    expect_close(x[second], a * sin[i] + b * cos[i], tolerance, second);
  }
}

TEST(RopeSplitHalves, OnlyTheDistanceOfTwoPositionsCounts) {
  // dot(rope(q, m), rope(k, n)) depends on m - n only: positions (7, 3) and (107, 103) agree.
  const std::vector<float> q = random_values(kHeadDim, 1), k = random_values(kHeadDim, 2);
  const auto rotated = [](std::vector<float> x, double position) {
    std::vector<float> cos(kHeadDim / 2), sin(kHeadDim / 2);
    for (std::size_t i = 0; i < kHeadDim / 2; ++i) {
      const double angle = position * std::pow(100.0, -2.0 * static_cast<double>(i) / kHeadDim);
      cos[i] = static_cast<float>(std::cos(angle));
      sin[i] = static_cast<float>(std::sin(angle));
    }
    rope_split_halves(x.data(), cos.data(), sin.data(), kHeadDim);
    return x;
  };
  const auto score = [&](double m, double n) {
    return float64_dot(rotated(q, m).data(), rotated(k, n).data(), kHeadDim);
  };
  const Float64Dot near = score(7, 3), far = score(107, 103);
  // Each rotation rounds every element by 4 eps (its cosine and sine by one more).
  expect_close(far.value, near.value,
               2 * 2 * 4 * kEps * std::sqrt(2.0) * (near.magnitude + far.magnitude), 0);
  EXPECT_GT(std::abs(score(7, 4).value - near.value), 1e-3);
}

}  // namespace
}  // namespace tinyllm::scalar

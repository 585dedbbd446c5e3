#pragma once
// For the tests of this folder: seeded values, and comparison with a float64 oracle.

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace tinyllm::scalar {

inline constexpr double kEps = 0x1.0p-24;  // half a unit in the last place of 1.0f: one rounding

inline std::vector<float> random_values(std::size_t n, unsigned seed, float spread = 1.0f) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(0.0f, spread);
  std::vector<float> values(n);
  for (float& value : values) value = normal(engine);
  return values;
}

inline void expect_close(double got, double want, double tolerance, std::size_t index) {
  ASSERT_LE(std::abs(got - want), tolerance) << "[" << index << "] is " << got << ", want " << want;
}

// The sum of a[k] b[k] in double, and that of the magnitudes, from which rounding bounds are made.
struct Float64Dot {
  double value = 0, magnitude = 0;
};
inline Float64Dot float64_dot(const float* a, const float* b, std::size_t n) {
  Float64Dot dot;
  for (std::size_t k = 0; k < n; ++k) {
    dot.value += static_cast<double>(a[k]) * b[k];
    dot.magnitude += std::abs(static_cast<double>(a[k]) * b[k]);
  }
  return dot;
}

}  // namespace tinyllm::scalar

#include "kernels/cpu/scalar/dot_f32.h"

#include <gtest/gtest.h>

#include "kernels/cpu/scalar/random_values_test.h"

namespace tinyllm::scalar {
namespace {

TEST(DotF32, MatchesFloat64OnAnyLength) {
  for (const std::size_t n : {0u, 1u, 7u, 31u, 32u, 33u, 64u, 100u, 575u, 1536u, 8960u}) {
    const std::vector<float> a = random_values(n, 1), b = random_values(n, 2);
    const Float64Dot want = float64_dot(a.data(), b.data(), n);
    // n products and n additions, each rounded once.
    const double tolerance = 2.0 * static_cast<double>(n) * kEps * want.magnitude;
    expect_close(dot_f32(a.data(), b.data(), static_cast<std::int64_t>(n)), want.value, tolerance,
                 n);
  }
}

}  // namespace
}  // namespace tinyllm::scalar

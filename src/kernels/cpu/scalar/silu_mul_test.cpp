#include "kernels/cpu/scalar/silu_mul.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/cpu/scalar/random_values_test.h"

namespace tinyllm::scalar {
namespace {

TEST(SiluMul, MatchesFloat64AndMayWorkInPlace) {
  const std::vector<float> gate = random_values(67, 1, 4.0f), up = random_values(67, 2);
  std::vector<float> out = gate;
  silu_mul(out.data(), up.data(), out.data(), 67);
  for (std::size_t i = 0; i < gate.size(); ++i) {
    const double want = gate[i] / (1 + std::exp(-static_cast<double>(gate[i]))) * up[i];
    expect_close(out[i], want, 7 * kEps * std::abs(want), i);  // silu's 6 and one product
  }
}

}  // namespace
}  // namespace tinyllm::scalar

#include "kernels/cpu/scalar/gelu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace tinyllm::scalar {
namespace {

// torch.nn.functional.gelu in float64.
TEST(Gelu, Golden) {
  const std::vector<float> x = {-6.0f, -3.0f, -1.0f, -0.1f, 0.0f, 0.5f, 1.0f, 3.0f, 6.0f};
  const std::vector<double> want = {
      -5.919525869479969e-09, -0.00404969409489031, -0.15865525393145702, -0.04601721689885652, 0.0,
      0.34573123063700656,    0.841344746068543,    2.99595030590511,     5.999999994080474};
  std::vector<float> got(x.size());
  gelu(x.data(), got.data(), 9);
  // A rounded argument z moves erfc(z) by 2 z^2 eps of itself at most; two roundings beside it.
  for (std::size_t i = 0; i < x.size(); ++i)
    EXPECT_NEAR(got[i], want[i], 0x1p-24 * (2 + double{x[i]} * x[i]) * std::abs(want[i])) << i;
}

}  // namespace
}  // namespace tinyllm::scalar

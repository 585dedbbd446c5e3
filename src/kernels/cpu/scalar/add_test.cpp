#include "kernels/cpu/scalar/add.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/cpu/scalar/random_values_test.h"

namespace tinyllm::scalar {
namespace {

TEST(Add, AddsInPlace) {
  const std::vector<float> before = random_values(19, 1), y = random_values(19, 2);
  std::vector<float> x = before;
  add(x.data(), y.data(), 19);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(x[i], before[i] + y[i]);
}

}  // namespace
}  // namespace tinyllm::scalar

#include "kernels/cpu/scalar/causal_mask.h"

#include <gtest/gtest.h>

#include <limits>

namespace tinyllm::scalar {
namespace {

TEST(CausalMask, QueriesAreTheLastPositions) {
  const float no = -std::numeric_limits<float>::infinity();
  float mask[2 * 4];
  causal_mask(mask, 2, 4);  // positions 2 and 3 of 4
  const float want[2 * 4] = {0, 0, 0, no, 0, 0, 0, 0};
  for (int i = 0; i < 8; ++i) EXPECT_EQ(mask[i], want[i]) << i;
}

TEST(CausalMask, WholeSequenceIsATriangle) {
  float mask[5 * 5];
  causal_mask(mask, 5, 5);
  for (int i = 0; i < 5; ++i) {
    for (int j = 0; j < 5; ++j) EXPECT_EQ(mask[i * 5 + j] == 0.0f, j <= i);
  }
}

}  // namespace
}  // namespace tinyllm::scalar

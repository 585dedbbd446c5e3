#include "kernels/cpu/scalar/strides.h"

#include <gtest/gtest.h>

namespace tinyllm::scalar {
namespace {

TEST(Strides, LastIndexMovesFastest) {
  const std::int64_t dims[3] = {2, 3, 4};
  std::int64_t strides[3];
  row_major_strides(dims, 3, strides);
  EXPECT_EQ(strides[0], 12);
  EXPECT_EQ(strides[1], 4);
  EXPECT_EQ(strides[2], 1);
}

TEST(Strides, OffsetsCountUpInReadingOrder) {
  const std::int64_t dims[4] = {2, 1, 5, 3};
  std::int64_t strides[4];
  row_major_strides(dims, 4, strides);
  std::int64_t expected = 0;
  for (std::int64_t a = 0; a < 2; ++a) {
    for (std::int64_t c = 0; c < 5; ++c) {
      for (std::int64_t d = 0; d < 3; ++d) {
        const std::int64_t index[4] = {a, 0, c, d};
        EXPECT_EQ(element_offset(index, strides, 4), expected++);
      }
    }
  }
  EXPECT_EQ(element_offset(nullptr, nullptr, 0), 0);  // a scalar
}

}  // namespace
}  // namespace tinyllm::scalar

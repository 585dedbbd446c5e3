#include "sampling/finite.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace tinyllm {
namespace {

TEST(AllFinite, SeesOneBadValueAnywhere) {
  using Limits = std::numeric_limits<float>;
  for (const std::size_t n : {std::size_t{1}, std::size_t{7}, std::size_t{33}}) {
    std::vector<float> values(n, Limits::max());
    values.front() = -Limits::max();
    EXPECT_TRUE(all_finite(values));
    for (std::size_t i = 0; i < n; ++i) {
      for (const float bad : {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()}) {
        std::vector<float> spoilt = values;
        spoilt[i] = bad;
        EXPECT_FALSE(all_finite(spoilt)) << bad << " at " << i << " of " << n;
      }
    }
  }
  EXPECT_TRUE(all_finite({}));
}

}  // namespace
}  // namespace tinyllm

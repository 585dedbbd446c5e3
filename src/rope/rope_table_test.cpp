#include "rope/rope_table.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tinyllm {
namespace {

TEST(RopeTable, MatchesFloat64FarOut) {
  constexpr std::int64_t kFirst = 100000, kPositions = kFirst + 4;
  constexpr double kTolerance = 1.25 * 0x1p-24;  // one rounding of at most 1.25 to f32
  const RopeFrequencies frequencies{{1.0, 0.1, 1e-6}, 1.25};
  const RopeTable table = rope_table(frequencies, kPositions);
  ASSERT_EQ(table.cos.size(), 3u * kPositions);
  ASSERT_EQ(table.sin.size(), 3u * kPositions);
  for (const std::int64_t p : {0L, 1L, kFirst, kFirst + 1, kFirst + 2, kFirst + 3}) {
    for (std::size_t i = 0; i < 3; ++i) {
      const double angle = static_cast<double>(p) * frequencies.inv_freq[i];
      const std::size_t at = 3 * p + i;
      EXPECT_NEAR(double{table.cos[at]}, 1.25 * std::cos(angle), kTolerance) << p << ", " << i;
      EXPECT_NEAR(double{table.sin[at]}, 1.25 * std::sin(angle), kTolerance) << p << ", " << i;
    }
  }
}

}  // namespace
}  // namespace tinyllm

#include "base/checked_math.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

TEST(CheckedMath, PassesWhatFits) {
  EXPECT_EQ(checked_mul(kMax, 1, "x"), kMax);
  EXPECT_EQ(checked_mul(1ull << 31, 1ull << 32, "x"), 1ull << 63);
  EXPECT_EQ(checked_add(kMax - 1, 1, "x"), kMax);
  EXPECT_EQ(checked_cast<int>(std::uint64_t{7}, "x"), 7);
}

TEST(CheckedMath, RefusesAWrapAroundByName) {
  EXPECT_THROW(checked_mul(1ull << 32, 1ull << 32, "x"), Error);
  EXPECT_THROW(checked_add(kMax, 1, "x"), Error);
  try {
    checked_cast<std::int32_t>(std::uint64_t{1} << 31, "n_layers");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "n_layers: is 2147483648, must be in [-2147483648, 2147483647]");
    EXPECT_EQ(error.code(), ErrorCode::invalid_input);
  }
}

}  // namespace
}  // namespace tinyllm

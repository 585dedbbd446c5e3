#include "sampling/exp2.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace tinyllm {
namespace {

constexpr int kSteps = 1 << 23;  // r is a multiple of 2^-23: that many inputs an octave

float fraction(int step) { return -static_cast<float>(step) * 0x1p-23f; }

TEST(Exp2, IntegersAreExact) {
  for (int n = 0; n <= 64; ++n) {
    EXPECT_EQ(exp2_portable(static_cast<float>(-n)), std::ldexp(1.0f, -n)) << n;
  }
}

TEST(Exp2, BelowTheFloorIsTheFloor) {
  for (const float x : {-64.5f, -1e30f, -std::numeric_limits<float>::infinity()}) {
    EXPECT_EQ(exp2_portable(x), 0x1p-64f);
  }
  EXPECT_EQ(exp2_portable(-0.0f), 1.0f);
  EXPECT_EQ(exp2_portable(-std::numeric_limits<float>::denorm_min()), 1.0f);
}

// All fractions there are, and every fifth in a far octave: error and order.
TEST(Exp2, EveryFractionIsNearAndInOrder) {
  double worst = 0.0;
  float before = 1.0f;
  int n_out_of_order = 0;
  for (int step = 0; step <= kSteps; ++step) {
    const float x = fraction(step);
    const float got = exp2_portable(x);
    worst = std::max(worst, std::abs(got / std::exp2(static_cast<double>(x)) - 1.0));
    n_out_of_order += got > before;
    before = got;
  }
  RecordProperty("worst_error_in_1e_9", static_cast<int>(worst * 1e9));
  EXPECT_LE(worst, 8e-8);
  EXPECT_EQ(n_out_of_order, 0);
  for (int step = 0; step < kSteps; step += 5) {
    const float x = -20.0f + fraction(step);  // fewer bits of fraction are left there
    const double want = std::exp2(static_cast<double>(x));
    ASSERT_NEAR(exp2_portable(x) / want, 1.0, 1.2e-7) << x;
  }
}

// A fraction finer than the steps of r is rounded to the next: 2^-24 x ln 2 more error at most.
TEST(Exp2, NearZeroTheFractionIsRounded) {
  for (float x = -0x1p-40f; x > -0.5f; x *= 1.0009f) {
    ASSERT_NEAR(exp2_portable(x) / std::exp2(static_cast<double>(x)), 1.0, 1.2e-7) << x;
  }
}

// The polynomial with the C library's exact fma. On a baseline x86-64 build exp2.cpp goes through
// double instead: this proves the two equal for every fraction.
TEST(Exp2, EqualsTheFusedPolynomial) {
  for (int step = -kSteps / 2 + 1; step <= kSteps / 2; ++step) {
    const float r = fraction(step);
    float power = kExp2Coefficients[5];
    for (int i = 4; i >= 0; --i) {
      power = std::fma(power, r, kExp2Coefficients[static_cast<std::size_t>(i)]);
    }
    power = std::fma(power, r, 1.0f);
    // r > 0 is reached from the octave below: 2^(r - 1) = 2^r / 2.
    const float got = step < 0 ? 2.0f * exp2_portable(r - 1.0f) : exp2_portable(r);
    ASSERT_EQ(std::bit_cast<std::uint32_t>(got), std::bit_cast<std::uint32_t>(power)) << r;
  }
}

TEST(Exp2, RowEqualsScalar) {
  std::vector<float> row(1001);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = -static_cast<float>(i * i) * 0.0001f;
  const std::vector<float> x = row;
  exp2_portable(row);
  for (std::size_t i = 0; i < row.size(); ++i) ASSERT_EQ(row[i], exp2_portable(x[i])) << x[i];
}

}  // namespace
}  // namespace tinyllm

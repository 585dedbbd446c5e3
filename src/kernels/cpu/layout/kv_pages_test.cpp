#include "kernels/cpu/layout/kv_pages.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace tinyllm {
namespace {

// The definition: sign * 2^(e - 7) * (1 + m / 8), and 2^-6 * m / 8 where e is 0.
double e4m3_by_definition(int code) {
  const int exponent = code >> 3 & 15, mantissa = code & 7;
  const double size =
      exponent == 0 ? std::ldexp(mantissa / 8.0, -6) : std::ldexp(1 + mantissa / 8.0, exponent - 7);
  return code & 0x80 ? -size : size;
}

TEST(E4m3, EveryCodeIsWhatTheFormatSays) {
  for (int code = 0; code < 256; ++code) {
    const float value = e4m3_to_f32(static_cast<std::uint8_t>(code));
    if ((code & 0x7F) == 0x7F) {
      EXPECT_TRUE(std::isnan(value)) << code;
      continue;
    }
    EXPECT_EQ(value, e4m3_by_definition(code)) << code;
    EXPECT_EQ(f32_to_e4m3(value), code);
    EXPECT_EQ(std::signbit(value), (code & 0x80) != 0) << code;
  }
}

TEST(E4m3, RoundsToTheNearestAndTiesToEven) {
  for (int code = 0; code < 0x7E; ++code) {
    const double low = e4m3_by_definition(code), high = e4m3_by_definition(code + 1);
    const auto middle = static_cast<float>((low + high) / 2);
    EXPECT_EQ(f32_to_e4m3(middle), code % 2 == 0 ? code : code + 1) << middle;
    EXPECT_EQ(f32_to_e4m3(std::nextafter(middle, 0.0f)), code);
    EXPECT_EQ(f32_to_e4m3(std::nextafter(middle, 1e9f)), code + 1);
    EXPECT_EQ(f32_to_e4m3(-middle), f32_to_e4m3(middle) | 0x80);
  }
}

TEST(E4m3, WhatIsTooLargeIsTheLargestAndWhatIsBrokenStaysSeen) {
  for (const float large : {448.0f, 460.0f, 1e30f}) {
    EXPECT_EQ(e4m3_to_f32(f32_to_e4m3(large)), 448.0f);
    EXPECT_EQ(e4m3_to_f32(f32_to_e4m3(-large)), -448.0f);
  }
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float broken : {infinity, -infinity, std::nanf("")})
    EXPECT_TRUE(std::isnan(e4m3_to_f32(f32_to_e4m3(broken))));
}

TEST(KvFp8, ARowUsesTheWholeRange) {
  for (const float size : {1e-12f, 1.0f, 1e6f}) {
    const std::vector<float> x = {size, -size / 2, size / 3, 0.0f};
    std::vector<std::uint8_t> codes(x.size());
    const float scale = quantise_kv_fp8(x.data(), 4, codes.data(), 1);
    for (std::size_t i = 0; i < x.size(); ++i)
      EXPECT_NEAR(scale * e4m3_to_f32(codes[i]), x[i], std::abs(x[i]) / 16);
  }
  const std::vector<float> tiny(4, 1e-40f), zeros(4, 0.0f),
      broken = {1.0f, std::nanf(""), 2.0f, 3.0f};
  std::vector<std::uint8_t> codes(4, 0xFF);
  EXPECT_EQ(quantise_kv_fp8(zeros.data(), 4, codes.data(), 1), 0.0f);
  EXPECT_EQ(codes, std::vector<std::uint8_t>(4, 0));
  quantise_kv_fp8(tiny.data(), 4, codes.data(), 1);
  EXPECT_EQ(codes, std::vector<std::uint8_t>(4, 0));
  codes.assign(4, 0xFF);
  EXPECT_TRUE(std::isnan(quantise_kv_fp8(broken.data(), 4, codes.data(), 1)));
  EXPECT_EQ(codes, std::vector<std::uint8_t>(4, 0));
}

std::vector<float> restored(const std::vector<float>& x, float& scale) {
  const auto n = static_cast<std::int32_t>(x.size());
  std::vector<std::uint8_t> bytes(x.size() / 2);
  scale = quantise_kv_q4(x.data(), n, bytes.data(), 1);
  std::vector<float> values(x.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    values[i] = scale * static_cast<float>(kQ4Levels[bytes[i] & 15]);
    values[i + bytes.size()] = scale * static_cast<float>(kQ4Levels[bytes[i] >> 4]);
  }
  return values;
}

// Max's quantiser of 16 levels has a mean squared error of 0.0095 of the variance. A scale for each
// row costs little more.
TEST(KvQ4, ErrorOfNormallyDistributedRowsIsThatOfMaxsQuantiser) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0.0f, 2.5f);
  double error = 0, variance = 0;
  for (int row = 0; row < 2000; ++row) {
    std::vector<float> x(64);
    for (float& value : x) value = normal(random);
    float scale = 0;
    const std::vector<float> got = restored(x, scale);
    for (std::size_t i = 0; i < x.size(); ++i) {
      error += std::pow(got[i] - x[i], 2);
      variance += std::pow(x[i], 2);
    }
  }
  EXPECT_LT(error / variance, 0.0105);
  EXPECT_GT(error / variance, 0.0080);
}

TEST(KvQ4, ARowTooLargeForItsSquaresIsBroken) {
  std::vector<float> x(32, 1.0f);
  x[7] = 2e19f;
  std::vector<std::uint8_t> bytes(16, 0xFF);
  EXPECT_TRUE(std::isnan(quantise_kv_q4(x.data(), 32, bytes.data(), 1)));
  EXPECT_EQ(bytes, std::vector<std::uint8_t>(16, 0));
  x[7] = 2e18f;
  float scale = 0;
  EXPECT_NEAR(restored(x, scale)[7], 2e18f, 2e17f);  // the smallest level is 6, not 0
}

TEST(KvQ4, OtherRows) {
  float scale = 0;
  EXPECT_EQ(restored(std::vector<float>(32, 0.0f), scale), std::vector<float>(32, 0.0f));
  for (const float constant : {3.0f, -1e-20f}) {
    const std::vector<float> same = restored(std::vector<float>(32, constant), scale);
    for (const float value : same) EXPECT_NEAR(value / constant, 1, 1e-5);
  }
  std::vector<float> broken(32, 1.0f);
  broken[17] = std::numeric_limits<float>::infinity();
  restored(broken, scale);
  EXPECT_TRUE(std::isnan(scale));
}

}  // namespace
}  // namespace tinyllm

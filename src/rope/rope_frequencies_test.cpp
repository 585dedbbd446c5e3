#include "rope/rope_frequencies.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tinyllm {
namespace {

// Four pairs, whose plain frequencies are 1, 0.1, 0.01 and 0.001.
RopeFrequencies frequencies_with(const RopeScaling& scaling) {
  return rope_frequencies(8, 10000.0, scaling);
}

TEST(RopeFrequencies, PlainOnesFallByTheSameFactor) {
  const RopeFrequencies rope = frequencies_with({});
  ASSERT_EQ(rope.inv_freq.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(rope.inv_freq[i], std::pow(10.0, -static_cast<double>(i)), 1e-15);
  }
  EXPECT_EQ(rope.attention_factor, 1.0);
}

TEST(RopeFrequencies, LinearDividesAndFreqFactorsDivideLast) {
  RopeScaling scaling;
  scaling.type = RopeScaling::Type::linear;
  scaling.factor = 4.0;
  scaling.freq_factors = {1.0f, 1.0f, 2.0f, 8.0f};
  const RopeFrequencies rope = frequencies_with(scaling);
  EXPECT_NEAR(rope.inv_freq[0], 0.25, 1e-15);
  EXPECT_NEAR(rope.inv_freq[2], 0.01 / 4 / 2, 1e-15);
  EXPECT_NEAR(rope.inv_freq[3], 0.001 / 4 / 8, 1e-15);
}

TEST(RopeFrequencies, Llama3KeepsFastPairsAndStretchesSlowOnes) {
  RopeScaling scaling;
  scaling.type = RopeScaling::Type::llama3;
  scaling.factor = 8.0;
  scaling.original_max_seq_len = 200;  // turns within it: 31.8, 3.18, 0.318, 0.0318
  scaling.low_freq_factor = 1.0;
  scaling.high_freq_factor = 4.0;
  const RopeFrequencies rope = frequencies_with(scaling);
  EXPECT_NEAR(rope.inv_freq[0], 1.0, 1e-15);
  const double turns = 200 * 0.1 / (2 * M_PI);
  const double kept = (turns - 1.0) / 3.0;
  EXPECT_NEAR(rope.inv_freq[1], kept * 0.1 + (1 - kept) * 0.1 / 8, 1e-15);
  EXPECT_NEAR(rope.inv_freq[2], 0.01 / 8, 1e-15);
  EXPECT_NEAR(rope.inv_freq[3], 0.001 / 8, 1e-15);
}

TEST(RopeFrequencies, YarnRampsOverDimensionsAndSharpensAttention) {
  RopeScaling scaling;
  scaling.type = RopeScaling::Type::yarn;
  scaling.factor = 4.0;
  scaling.original_max_seq_len = 32;
  scaling.truncate = false;
  scaling.beta_fast = 32.0 / (2 * M_PI);           // exactly dimension 0
  scaling.beta_slow = 32.0 / (2 * M_PI) / 1000.0;  // exactly dimension 3
  const RopeFrequencies rope = frequencies_with(scaling);
  for (std::size_t i = 0; i < 4; ++i) {
    const double plain = std::pow(10.0, -static_cast<double>(i));
    const double stretched = static_cast<double>(i) / 3.0;
    EXPECT_NEAR(rope.inv_freq[i], stretched * plain / 4 + (1 - stretched) * plain, 1e-14) << i;
  }
  EXPECT_NEAR(rope.attention_factor, 0.1 * std::log(4.0) + 1.0, 1e-15);
  scaling.attention_factor = 1.5;
  EXPECT_EQ(frequencies_with(scaling).attention_factor, 1.5);
}

}  // namespace
}  // namespace tinyllm

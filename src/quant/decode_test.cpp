#include "quant/decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "base/error.h"
#include "tensor/float16.h"

namespace tinyllm {
namespace {

std::vector<float> random_row(std::size_t n, float spread, float offset, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal(offset, spread);
  std::vector<float> row(n);
  for (float& value : row) value = normal(engine);
  return row;
}

std::vector<float> there_and_back(DType dtype, const std::vector<float>& row) {
  const auto n = static_cast<std::int64_t>(row.size());
  std::vector<std::byte> bytes(row_bytes(dtype, n));
  std::vector<float> back(row.size());
  encode_row(dtype, row.data(), bytes.data(), n);
  decode_row(dtype, bytes.data(), back.data(), n);
  return back;
}

// The largest |difference| allowed within one block, from the format's definition: half a code
// step, or one whole step where the code range is lopsided (codes -8..7 for a block whose extremes
// are equal but opposite), and the rounding of the scale to binary16, 2^-11, which moves all codes.
double block_bound(DType dtype, const float* x, std::int64_t n) {
  const auto [low, high] = std::minmax_element(x, x + n);
  const double magnitude = std::max(std::abs(*low), std::abs(*high));
  const double range = static_cast<double>(*high) - *low;
  const double f16_error = 2 * magnitude * 0x1.0p-11;
  switch (dtype) {
    case DType::q8_0: return magnitude / 127 / 2 + f16_error;
    case DType::q4_0: return magnitude / 8 + f16_error;
    case DType::q5_0: return magnitude / 16 + f16_error;
    case DType::q4_1: return range / 15 / 2 + f16_error;
    // Steps and depths of groups are themselves rounded to 1/63 of the block's largest: half of
    // that times 15 codes, and half of that for the minimum.
    case DType::q4_k: {
      const double span = std::max(0.0, -static_cast<double>(*low)) + std::max(0.0f, *high);
      return span / 15 / 2 + span / 63 / 2 + magnitude / 63 / 2 + f16_error;
    }
    default: return 0;
  }
}

TEST(QuantEncode, StaysWithinTheStepOfItsFormat) {
  for (const DType dtype : {DType::q8_0, DType::q4_0, DType::q5_0, DType::q4_1, DType::q4_k}) {
    for (const float offset : {0.0f, 3.0f, -3.0f}) {
      const std::vector<float> row = random_row(1024, 1.0f, offset, 7);
      const std::vector<float> back = there_and_back(dtype, row);
      const std::int64_t block = info(dtype).block_elems;
      for (std::int64_t i = 0; i < 1024; ++i) {
        const float* first = row.data() + i / block * block;
        ASSERT_LE(std::abs(row[i] - back[i]), block_bound(dtype, first, block))
            << name(dtype) << "[" << i << "], offset " << offset;
      }
    }
  }
}

TEST(QuantEncode, ZerosAndConstantRowsSurvive) {
  for (const DType dtype : {DType::q8_0, DType::q4_0, DType::q5_0, DType::q4_1, DType::q4_k}) {
    EXPECT_EQ(there_and_back(dtype, std::vector<float>(256, 0.0f)), std::vector<float>(256, 0.0f));
    const std::vector<float> twos = there_and_back(dtype, std::vector<float>(256, -2.0f));
    for (const float value : twos) EXPECT_NEAR(value, -2.0f, 2 * 2.0f * 0x1.0p-11f) << name(dtype);
  }
}

TEST(QuantEncode, FloatsRoundToNearest) {
  const std::vector<float> row = random_row(37, 1.0f, 0.0f, 5);
  EXPECT_EQ(there_and_back(DType::f32, row), row);
  const std::vector<float> half = there_and_back(DType::f16, row);
  const std::vector<float> brain = there_and_back(DType::bf16, row);
  for (std::size_t i = 0; i < row.size(); ++i) {
    EXPECT_EQ(half[i], f16_to_f32(f32_to_f16(row[i])));
    EXPECT_EQ(brain[i], bf16_to_f32(f32_to_bf16(row[i])));
  }
}

TEST(QuantEncode, FormatsWithoutAnEncoderAreNamed) {
  std::vector<float> row(256);
  std::vector<std::byte> bytes(256);
  try {
    encode_row(DType::q6_k, row.data(), bytes.data(), 256);
    FAIL() << "q6_k has no encoder";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::unsupported);
    EXPECT_NE(std::string(error.what()).find("q6_k"), std::string::npos);
  }
}

TEST(QuantDecodeDeathTest, HalfABlockIsAFault) {
  std::vector<float> row(48);
  std::vector<std::byte> bytes(64);
  EXPECT_DEATH(decode_row(DType::q4_0, bytes.data(), row.data(), 48),
               "whole number of q4_0 blocks");
}

}  // namespace
}  // namespace tinyllm

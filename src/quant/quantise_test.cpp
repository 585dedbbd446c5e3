#include "quant/quantise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "quant/decode.h"

namespace tinyllm {
namespace {

constexpr DType kSearched[] = {DType::q4_0, DType::q5_0, DType::q4_k, DType::q6_k};

using Encoder = void (*)(DType, const float*, std::byte*, std::int64_t);

std::vector<float> round_trip(Encoder encode, DType dtype, const std::vector<float>& row) {
  const auto n = static_cast<std::int64_t>(row.size());
  std::vector<std::byte> bytes(row_bytes(dtype, n));
  encode(dtype, row.data(), bytes.data(), n);
  std::vector<float> decoded(row.size());
  decode_row(dtype, bytes.data(), decoded.data(), n);
  return decoded;
}

std::vector<float> normal_row(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 0.02f);
  std::vector<float> row(n);
  for (float& x : row) x = normal(random);
  return row;
}

// Root of the mean squared error, in units of the row's own root mean square.
double relative_error(const std::vector<float>& row, const std::vector<float>& decoded) {
  double error = 0, size = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    error += std::pow(double{row[i]} - double{decoded[i]}, 2);
    size += std::pow(double{row[i]}, 2);
  }
  return std::sqrt(error / size);
}

TEST(QuantiseRow, LosesWhatItsBitsAllow) {
  // Normal weights, measured: plain rounding loses 0.099 (q4_0), 0.046 (q5_0), 0.081 (q4_k).
  const std::vector<float> row = normal_row(256 * 64, 1);
  EXPECT_LT(relative_error(row, round_trip(quantise_row, DType::q4_0, row)), 0.092);
  EXPECT_LT(relative_error(row, round_trip(quantise_row, DType::q5_0, row)), 0.046);
  EXPECT_LT(relative_error(row, round_trip(quantise_row, DType::q4_k, row)), 0.078);
  EXPECT_LT(relative_error(row, round_trip(quantise_row, DType::q6_k, row)), 0.020);
}

TEST(QuantiseRow, LosesLessThanPlainRounding) {
  for (const DType dtype : {DType::q4_0, DType::q5_0, DType::q4_k}) {
    for (unsigned seed = 0; seed < 20; ++seed) {
      const std::vector<float> row = normal_row(256 * 4, seed);
      EXPECT_LT(relative_error(row, round_trip(quantise_row, dtype, row)),
                relative_error(row, round_trip(encode_row, dtype, row)))
          << name(dtype) << ", seed " << seed;
    }
  }
}

TEST(QuantiseRow, KeepsWhatTheFormatCanSay) {
  std::mt19937 random(3);
  for (const DType dtype : {DType::q4_0, DType::q5_0}) {
    const int half = dtype == DType::q4_0 ? 8 : 16;
    std::vector<float> row(32 * 8);
    for (std::size_t i = 0; i < row.size(); ++i) {
      const int code = i % 32 == 0 ? -half : static_cast<int>(random() % (2u * half)) - half;
      row[i] = 0.25f * static_cast<float>(code);
    }
    EXPECT_EQ(round_trip(quantise_row, dtype, row), row) << name(dtype);
  }
}

TEST(QuantiseRow, ZerosConstantsAndOutliers) {
  for (const DType dtype : kSearched) {
    EXPECT_EQ(round_trip(quantise_row, dtype, std::vector<float>(256, 0.0f)),
              std::vector<float>(256, 0.0f))
        << name(dtype);
    for (const float constant : {1.0f, -3.0f}) {
      const std::vector<float> row(256, constant);
      EXPECT_LT(relative_error(row, round_trip(quantise_row, dtype, row)), 2e-2) << name(dtype);
    }
    std::vector<float> row = normal_row(256, 5);
    row[77] = 50.0f;
    EXPECT_NEAR(round_trip(quantise_row, dtype, row)[77], 50.0f, 1.0f) << name(dtype);
  }
}

TEST(MatrixFormat, FallsBackWhereRowsAreNoWholeBlocks) {
  EXPECT_EQ(matrix_format(DType::q4_k, 1536), DType::q4_k);
  EXPECT_EQ(matrix_format(DType::q4_k, 896), DType::q5_0);
  EXPECT_EQ(matrix_format(DType::q6_k, 896), DType::q8_0);
  EXPECT_EQ(matrix_format(DType::q4_k, 40), DType::f16);
  EXPECT_EQ(matrix_format(DType::q8_0, 48), DType::f16);
  EXPECT_EQ(matrix_format(DType::bf16, 7), DType::bf16);
}

}  // namespace
}  // namespace tinyllm

#include "kernels/cuda/packed_weights.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "kernels/cuda/random_weights_test.h"
#include "quant/decode.h"
#include "tensor/float16.h"

namespace tinyllm::cuda {

// Random codes and scales in the places where the format has them: any byte is a code, and the
// binary16 scales get exponents of numbers between 2^-12 and 2^-8.
RandomMatrix::RandomMatrix(DType dtype, std::int64_t n_rows, std::int64_t n_cols,
                           std::uint64_t seed)
    : dtype(dtype),
      n_rows(n_rows),
      n_cols(n_cols),
      bytes(static_cast<std::size_t>(n_rows * row_bytes(dtype, n_cols))) {
  std::mt19937_64 random(seed);
  if (is_float(dtype)) {
    std::normal_distribution<float> normal(0.0f, 0.05f);
    std::vector<float> row(static_cast<std::size_t>(n_cols));
    for (std::int64_t i = 0; i < n_rows; ++i) {
      for (float& value : row) value = normal(random);
      encode_row(dtype, row.data(), bytes.data() + i * row_bytes(dtype, n_cols), n_cols);
    }
    return;
  }
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  const auto block_bytes = static_cast<std::size_t>(info(dtype).block_bytes);
  const auto put_half = [&](std::size_t at) {
    const auto half = static_cast<std::uint16_t>((random() & 0x83FF) | (3 + random() % 4) << 10);
    std::memcpy(bytes.data() + at, &half, sizeof half);
  };
  for (std::size_t block = 0; block < bytes.size(); block += block_bytes) {
    switch (dtype) {
      case DType::q4_1:
      case DType::q5_1:
      case DType::q4_k:
      case DType::q5_k:
        put_half(block);
        put_half(block + 2);
        break;
      case DType::q2_k:
        put_half(block + block_bytes - 4);
        put_half(block + block_bytes - 2);
        break;
      case DType::q3_k:
      case DType::q6_k: put_half(block + block_bytes - 2); break;
      default: put_half(block); break;
    }
  }
}

Tensor RandomMatrix::tensor() const { return {bytes.data(), dtype, {n_rows, n_cols}}; }

namespace {

std::vector<std::byte> packed(std::span<const Tensor> parts, const WeightPlan& plan) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(plan.n_bytes), std::byte{0xEE});
  ThreadPool pool(2);
  pack_weights(parts, plan, bytes.data(), pool);
  return bytes;
}

std::vector<float> decoded(const Tensor& tensor, std::int64_t row) {
  std::vector<float> values(static_cast<std::size_t>(tensor.n_cols()));
  decode_row(tensor.dtype, tensor.row(row), values.data(), tensor.n_cols());
  return values;
}

class EveryFormat : public testing::TestWithParam<DType> {};

TEST_P(EveryFormat, ComesBackExactly) {
  const RandomMatrix matrix(GetParam(), 43, 512, 7);
  const Tensor tensor = matrix.tensor();
  const WeightPlan plan = plan_weights({&tensor, 1}, PartOrder::stacked);
  ASSERT_EQ(plan.sections.size(), 1u);
  const WeightFormat format = plan.sections[0].format;
  const std::vector<std::byte> bytes = packed({&tensor, 1}, plan);
  for (std::int64_t row = 0; row < matrix.n_rows; ++row) {
    const std::vector<float> want = decoded(tensor, row);
    for (std::int64_t col = 0; col < matrix.n_cols; ++col) {
      const float value = want[static_cast<std::size_t>(col)];
      const float expected = format == WeightFormat::bf16 ? bf16_to_f32(f32_to_bf16(value)) : value;
      ASSERT_EQ(unpack_weight(format, bytes.data(), row, col, matrix.n_cols), expected)
          << "row " << row << " column " << col;
    }
  }
  for (std::int64_t col = 0; col < matrix.n_cols; ++col)  // padded rows are zero
    ASSERT_EQ(unpack_weight(format, bytes.data(), 43, col, matrix.n_cols), 0.0f);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, EveryFormat,
                         testing::Values(DType::f32, DType::f16, DType::bf16, DType::q4_0,
                                         DType::q4_1, DType::q5_0, DType::q5_1, DType::q8_0,
                                         DType::q2_k, DType::q3_k, DType::q4_k, DType::q5_k,
                                         DType::q6_k, DType::iq4_nl),
                         [](const auto& info) { return std::string(name(info.param)); });

TEST(PackedWeights, CodesFillTheirBlocksWithoutOverlap) {
  for (int f = 1; f < kNumWeightFormats; ++f) {
    const BlockInfo info = block_info(static_cast<WeightFormat>(f));
    std::vector<int> bits(static_cast<std::size_t>(info.code_bytes), 0);
    for (int row = 0; row < kRowTile; ++row) {
      for (int col = 0; col < info.columns; ++col) {
        const CodePlace place = code_place(info, row, col);
        bits[static_cast<std::size_t>(place.byte + place.shift / 8)] += info.bits;
      }
    }
    for (const int n : bits) ASSERT_EQ(n, 8) << "format " << f;
  }
}

TEST(PackedWeights, PartsOfDifferentFormatsBecomeSections) {
  const RandomMatrix q(DType::q4_k, 32, 256, 1), k(DType::q4_k, 16, 256, 2),
      v(DType::q6_k, 16, 256, 3);
  const Tensor parts[] = {q.tensor(), k.tensor(), v.tensor()};
  const WeightPlan plan = plan_weights(parts, PartOrder::stacked);
  ASSERT_EQ(plan.sections.size(), 2u);
  EXPECT_EQ(plan.sections[0].n_rows, 48);
  EXPECT_EQ(plan.sections[1].first_row, 48);
  const std::vector<std::byte> bytes = packed(parts, plan);
  EXPECT_EQ(unpack_weight(WeightFormat::int4_k, bytes.data(), 33, 5, 256), decoded(parts[1], 1)[5]);
  EXPECT_EQ(unpack_weight(WeightFormat::int8_k, bytes.data() + plan.sections[1].offset, 2, 9, 256),
            decoded(parts[2], 2)[9]);
}

TEST(PackedWeights, InterleavedPartsMeetInEveryTile) {
  const RandomMatrix gate(DType::q4_0, 20, 64, 1), up(DType::q8_0, 20, 64, 2);
  const Tensor parts[] = {gate.tensor(), up.tensor()};
  const WeightPlan plan = plan_weights(parts, PartOrder::interleaved);
  ASSERT_EQ(plan.sections.size(), 1u);
  ASSERT_EQ(plan.sections[0].format, WeightFormat::int8_min);  // holds both exactly
  EXPECT_EQ(plan.sections[0].n_padded_rows, 48);
  const std::vector<std::byte> bytes = packed(parts, plan);
  EXPECT_EQ(unpack_weight(WeightFormat::int8_min, bytes.data(), 16 + 3, 7, 64),
            decoded(parts[0], 11)[7]);
  EXPECT_EQ(unpack_weight(WeightFormat::int8_min, bytes.data(), 16 + 8 + 3, 7, 64),
            decoded(parts[1], 11)[7]);
}

TEST(PackedWeights, ScalesTooLargeForAFoldedOffsetWiden) {
  RandomMatrix matrix(DType::q4_0, 16, 64, 4);
  const std::uint16_t huge = 0x7400;  // 16384: eight times that is no binary16
  std::memcpy(matrix.bytes.data(), &huge, sizeof huge);
  const Tensor tensor = matrix.tensor();
  const WeightPlan plan = plan_weights({&tensor, 1}, PartOrder::stacked);
  ASSERT_EQ(plan.sections[0].format, WeightFormat::int8_min);
  const std::vector<std::byte> bytes = packed({&tensor, 1}, plan);
  EXPECT_EQ(unpack_weight(WeightFormat::int8_min, bytes.data(), 0, 3, 64), decoded(tensor, 0)[3]);
}

}  // namespace
}  // namespace tinyllm::cuda

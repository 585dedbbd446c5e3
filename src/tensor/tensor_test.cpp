#include "tensor/tensor.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "tensor/buffer.h"

namespace tinyllm {
namespace {

TEST(DType, NamesParseBack) {
  for (int i = 0; i < kNumDTypes; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(parse_dtype(name(dtype)), dtype);
    EXPECT_GT(info(dtype).block_bytes, 0);
  }
  EXPECT_EQ(parse_dtype("q9_9"), std::nullopt);
}

TEST(DType, RowBytesCountWholeBlocks) {
  EXPECT_EQ(row_bytes(DType::f32, 3), 12);
  EXPECT_EQ(row_bytes(DType::q4_0, 64), 36);
  EXPECT_EQ(row_bytes(DType::q6_k, 1536), 6 * 210);
  EXPECT_DEATH(row_bytes(DType::q4_0, 33),
               "a row of 33 elements is not a whole number of q4_0 blocks");
}

TEST(Tensor, RowsAndSizes) {
  const Buffer buffer(4 * 18 * 3);
  const Tensor matrix{buffer.data(), DType::q4_0, {3, 128}};
  EXPECT_EQ(matrix.n_rows(), 3);
  EXPECT_EQ(matrix.n_cols(), 128);
  EXPECT_EQ(matrix.n_bytes(), buffer.n_bytes());
  EXPECT_EQ(matrix.row(2) - matrix.data, 2 * 4 * 18);
  EXPECT_TRUE(matrix);
  EXPECT_FALSE(Tensor{});
  EXPECT_EQ(to_string(matrix.shape), "3 x 128");
  EXPECT_DEATH(matrix.f32(), "tensor is q4_0, want f32");
}

TEST(Buffer, IsAlignedAndMoves) {
  Buffer first(100);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first.data()) % 64, 0u);
  first.as<float>()[24] = 2.0f;
  Buffer second = std::move(first);
  EXPECT_EQ(second.as<float>()[24], 2.0f);
  EXPECT_EQ(second.as<float>().size(), 25u);
  EXPECT_EQ(first.data(),
            nullptr);  // NOLINT(bugprone-use-after-move): the contract of a moved Buffer
}

TEST(Buffer, TooMuchMemoryIsAnErrorWithTheNumber) {
  try {
    const Buffer buffer(std::int64_t{1} << 60, "K/V rows");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::out_of_memory);
    EXPECT_STREQ(error.what(),
                 "K/V rows: 1152921504606.8 MB of memory wanted, the system gave none");
  }
}

}  // namespace
}  // namespace tinyllm

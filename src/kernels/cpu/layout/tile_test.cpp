#include "kernels/cpu/layout/tile.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "quant/decode.h"

namespace tinyllm {
namespace {

// A matrix of random block bytes whose f16 scales are finite: every other byte pattern is legal.
std::vector<std::byte> random_matrix(DType dtype, std::int64_t n_rows, std::int64_t n_cols) {
  std::mt19937 random(static_cast<unsigned>(dtype) + 1);
  std::vector<std::byte> bytes(n_rows * row_bytes(dtype, n_cols));
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  const bool f32_bytes = dtype == DType::f32;
  for (std::size_t i = 1; i < bytes.size(); i += f32_bytes ? 4 : 2) {
    // No exponent of all ones, wherever a float stands.
    bytes[i + (f32_bytes ? 2 : 0)] &= std::byte{0xBF};
  }
  if (info(dtype).block_bytes % 2 != 0) ADD_FAILURE() << "odd block";
  return bytes;
}

class Tile : public testing::TestWithParam<int> {};

TEST_P(Tile, RepacksExactly) {
  const auto dtype = static_cast<DType>(GetParam());
  for (const std::int64_t n_rows : {1, 31, 32, 40}) {
    constexpr std::int64_t kCols = 512;
    const std::vector<std::byte> bytes = random_matrix(dtype, n_rows, kCols);
    const Tensor matrix{bytes.data(), dtype, {n_rows, kCols}};
    const TileFormat format = tile_format_for(dtype);
    std::vector<float> want(kCols), got(kCols);
    for (std::int64_t first = 0; first < n_rows; first += kTileRows) {
      std::vector<std::byte> panel(panel_bytes(format, kCols), std::byte{0xAA});
      pack_panel(matrix, format, first, panel.data());
      for (std::int64_t r = 0; r < kTileRows; ++r) {
        unpack_row(format, panel.data(), r, kCols, got.data());
        std::fill(want.begin(), want.end(), 0.0f);
        if (first + r < n_rows) decode_row(dtype, matrix.row(first + r), want.data(), kCols);
        for (std::size_t k = 0; k < kCols; ++k) {
          ASSERT_EQ(got[k], want[k]) << name(dtype) << " row " << first + r << " column " << k;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EveryFormat, Tile, testing::Range(0, kNumDTypes),
                         [](const auto& info) { return name(static_cast<DType>(info.param)); });

TEST(Tile, PairsOfBf16RepackExactly) {
  const TileFormat format = tile_format_for(DType::bf16, /*bf16_pairs=*/true);
  for (const std::int64_t n_cols : {1, 2, 77, 512}) {
    const std::vector<std::byte> bytes = random_matrix(DType::bf16, 40, n_cols);
    const Tensor matrix{bytes.data(), DType::bf16, {40, n_cols}};
    std::vector<std::byte> panel(panel_bytes(format, n_cols), std::byte{0xAA});
    pack_panel(matrix, format, 32, panel.data());
    std::vector<float> want(n_cols), got(n_cols + 1);
    for (std::int64_t r = 0; r < kTileRows; ++r) {
      // The padding as well: an odd row ends with a zero.
      unpack_row(format, panel.data(), r, (n_cols + 1) / 2 * 2, got.data());
      std::fill(want.begin(), want.end(), 0.0f);
      if (r < 8) decode_row(DType::bf16, matrix.row(32 + r), want.data(), n_cols);
      for (std::int64_t k = 0; k < n_cols; ++k) ASSERT_EQ(got[k], want[k]) << r << ", " << k;
      if (n_cols % 2 == 1) {
        ASSERT_EQ(got[n_cols], 0.0f);
      }
    }
  }
  EXPECT_EQ(panel_bytes(TileFormat::bf16_pairs, 77), 78 * 64);
}

TEST(TileInfo, PanelsHoldWholeHeaders) {
  EXPECT_EQ(panel_bytes(TileFormat::w4k, 256), 4736);  // 4.625 bits a weight
  EXPECT_EQ(panel_bytes(TileFormat::w8s, 32), 1088);   // 8.5
  EXPECT_EQ(panel_bytes(TileFormat::w4a, 576), 18 * 640);
}

}  // namespace
}  // namespace tinyllm

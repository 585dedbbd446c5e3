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
      std::vector<std::byte> panel(info(format).panel_bytes(kCols), std::byte{0xAA});
      pack_panel(matrix, first, panel.data());
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

TEST(TileInfo, PanelsHoldWholeHeaders) {
  EXPECT_EQ(info(TileFormat::w4k).panel_bytes(256), 4736);  // 4.625 bits a weight
  EXPECT_EQ(info(TileFormat::w8s).panel_bytes(32), 1088);   // 8.5
  EXPECT_EQ(info(TileFormat::w4a).panel_bytes(576), 18 * 640);
}

}  // namespace
}  // namespace tinyllm

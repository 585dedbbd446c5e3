#include "kernels/cpu/packed_matrix.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tinyllm {
namespace {

constexpr std::int64_t kRows = 70, kCols = 64;  // the last panel is padded

class PackedMatrixTest : public testing::Test {
 protected:
  // Two matrices of different formats, so that their panels differ in bytes.
  PackedMatrixTest() {
    for (std::size_t i = 0; i < f32_.size(); ++i) f32_[i] = static_cast<float>(i) * 0.5f;
    for (std::size_t i = 0; i < bf16_.size(); ++i)
      bf16_[i] = static_cast<std::uint16_t>(0x3F80 + i % 100);
  }
  PackedMatrix pack(const std::vector<Tensor>& parts, PartOrder order) {
    return PackedMatrix(parts, order, arena_, pool_);
  }

  std::vector<float> f32_ = std::vector<float>(kRows * kCols);
  std::vector<std::uint16_t> bf16_ = std::vector<std::uint16_t>(kRows * kCols);
  const Tensor first_{reinterpret_cast<const std::byte*>(f32_.data()), DType::f32, {kRows, kCols}};
  const Tensor second_{
      reinterpret_cast<const std::byte*>(bf16_.data()), DType::bf16, {kRows, kCols}};
  ThreadPool pool_{2};
  Arena arena_{"test"};
};

TEST_F(PackedMatrixTest, PanelsOfInterleavedPartsComeInTurnAndWithoutGaps) {
  const PackedMatrix first = pack({first_}, PartOrder::stacked);
  const PackedMatrix second = pack({second_}, PartOrder::stacked);
  const PackedMatrix both = pack({first_, second_}, PartOrder::interleaved);
  ASSERT_EQ(both.n_panels(), 6);
  ASSERT_EQ(both.n_bytes(), first.n_bytes() + second.n_bytes());
  const std::byte* end = both.panel(0);
  for (std::int64_t panel = 0; panel < both.n_panels(); ++panel) {
    const PackedMatrix& alone = panel % 2 == 0 ? first : second;
    const std::int64_t n_bytes = alone.n_bytes() / alone.n_panels();
    EXPECT_EQ(both.format_of_panel(panel), alone.format_of_panel(0));
    ASSERT_EQ(both.panel(panel), end) << panel;
    EXPECT_TRUE(std::equal(end, end + n_bytes, alone.panel(panel / 2))) << panel;
    end += n_bytes;
  }
}

TEST_F(PackedMatrixTest, PanelsOfStackedPartsFollowEachOther) {
  const PackedMatrix both = pack({first_, second_}, PartOrder::stacked);
  ASSERT_EQ(both.parts()[1].first_panel, 3);
  EXPECT_EQ(both.format_of_panel(2), TileFormat::f32);
  EXPECT_EQ(both.format_of_panel(3), TileFormat::bf16);
  EXPECT_EQ(both.panel(3) - both.panel(0), 3 * kTileRows * kCols * 4);
}

}  // namespace
}  // namespace tinyllm

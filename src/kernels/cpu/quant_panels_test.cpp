// Quantised activations and panels of every tile format: each instruction set against scalar.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/cpu/every_isa_test.h"
#include "kernels/cpu/input_rows.h"
#include "kernels/cpu/layout/tile.h"
#include "kernels/cpu/residual_blocks.h"
#include "quant/k_groups.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"

namespace tinyllm {
namespace {

constexpr std::uint16_t kHalfOne = 0x3C00;  // 1.0 as binary16

// Scales of 1 (k-quants: small whole group scales), so that a row's result is a whole number that
// f32 holds exactly: then the kernels must agree bit for bit.
void set_whole_scales(DType dtype, std::byte* block, std::mt19937& random) {
  KGroup groups[8];
  for (KGroup& group : groups) {
    group = {static_cast<std::uint8_t>(random() % 4), static_cast<std::uint8_t>(random() % 4)};
  }
  const auto set_k = [&](auto& b) {
    b.scale = b.min = kHalfOne;
    pack_k_groups(groups, b.groups);
  };
  switch (dtype) {
    case DType::q4_1: reinterpret_cast<Q4_1Block*>(block)->min = kHalfOne; break;
    case DType::q5_1: reinterpret_cast<Q5_1Block*>(block)->min = kHalfOne; break;
    case DType::q4_k: return set_k(*reinterpret_cast<Q4KBlock*>(block));
    case DType::q5_k: return set_k(*reinterpret_cast<Q5KBlock*>(block));
    case DType::q2_k: {
      auto& b = *reinterpret_cast<Q2KBlock*>(block);
      b.scale = b.min = kHalfOne;
      return;
    }
    case DType::q3_k: reinterpret_cast<Q3KBlock*>(block)->scale = kHalfOne; return;
    case DType::q6_k: {
      auto& b = *reinterpret_cast<Q6KBlock*>(block);
      b.scale = kHalfOne;
      for (std::int8_t& scale : b.group_scales) scale = static_cast<std::int8_t>(scale % 4);
      return;
    }
    default: break;
  }
  std::memcpy(block, &kHalfOne, 2);  // the others begin with their scale
}

enum class Fill { random, lowest, highest };

struct PackedPanel {
  TileFormat format;
  std::vector<std::byte> bytes;
};

PackedPanel make_panel(DType dtype, std::int64_t k, Fill fill, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> rows(kTileRows * row_bytes(dtype, k));
  for (std::byte& byte : rows) {
    byte = fill == Fill::lowest    ? std::byte{0x00}
           : fill == Fill::highest ? std::byte{0xFF}
                                   : static_cast<std::byte>(random());
    if (dtype == DType::q8_0 && fill == Fill::lowest) byte = std::byte{0x80};  // -128
    if (dtype == DType::q8_0 && fill == Fill::highest) byte = std::byte{0x7F};
  }
  for (std::size_t at = 0; at < rows.size(); at += info(dtype).block_bytes) {
    set_whole_scales(dtype, rows.data() + at, random);
  }
  const Tensor matrix{rows.data(), dtype, {kTileRows, k}};
  PackedPanel panel{tile_format_for(dtype), {}};
  panel.bytes.resize(panel_bytes(panel.format, k));
  pack_panel(matrix, panel.format, 0, panel.bytes.data());
  return panel;
}

// Activations of some tokens, quantised by the given table.
struct QuantisedRows {
  InputRows input;
  ResidualBlocks blocks;
  std::int64_t n_tokens, k;

  QuantisedRows(const RowKernels& kernels, const std::vector<float>& x, std::int64_t tokens,
                std::int64_t n_cols, float split_above = 1.5f)
      : input(tokens, n_cols), blocks(1, tokens, n_cols), n_tokens(tokens), k(n_cols) {
    for (std::int64_t t = 0; t < n_tokens; ++t) {
      std::copy_n(x.begin() + t * k, k, input.row(t));
      input.convert(kernels, {.int8 = true}, t, split_above);
    }
    collect(n_tokens);
  }
  void collect(std::int64_t n_rows) { blocks.collect(0, 0, rows(), n_rows, k); }
  const Residuals* residuals() const { return &blocks[0]; }
  const QuantisedRow* rows() const { return input.quantised(); }
  const QuantisedRow& row(std::int64_t t) const { return rows()[t]; }

  // Whole numbers only: scales of 1, and residual planes of the extremes (tokens 0 and 1, in all
  // groups) or random, in random groups.
  void make_whole() {
    std::mt19937 random(61);
    for (std::int64_t t = 0; t < n_tokens; ++t) {
      const QuantisedRow& x = row(t);
      for (std::int64_t g = 0; g < k / 32; ++g) {
        const bool split = t < 2 || random() % 2 == 0;
        auto& bits = x.split[g / 8];
        bits = static_cast<std::uint8_t>((bits & ~(1 << g % 8)) | (split ? 1 << g % 8 : 0));
        x.main.scale[g] = x.residual.scale[g] = 1.0f;
        x.residual.sum[2 * g] = x.residual.sum[2 * g + 1] = 0;
        for (std::int64_t i = 32 * g; i < 32 * g + 32; ++i) {
          const int value = t == 0 ? 127 : t == 1 ? -127 : static_cast<int>(random() % 255) - 127;
          x.residual.q[i] = static_cast<std::int8_t>(value);
          x.residual.sum[i / 16] = static_cast<std::int16_t>(x.residual.sum[i / 16] + value);
        }
        x.scaled_sum[g] = static_cast<float>(x.main.sum[2 * g] + x.main.sum[2 * g + 1]);
        if (split)
          x.scaled_sum[g] += static_cast<float>(x.residual.sum[2 * g] + x.residual.sum[2 * g + 1]);
      }
    }
    collect(n_tokens);
  }
};

// The parts of a quantised row that are meant, as vectors.
std::vector<int> whole_parts(const QuantisedRows& x) {
  std::vector<int> parts;
  const QuantisedRow& row = x.row(0);
  for (std::int64_t g = 0; g < x.k / 32; ++g) {
    const bool split = (row.split[g / 8] >> g % 8 & 1) != 0;
    parts.push_back(split ? 1 : 0);
    for (const QuantPlane* plane : {&row.main, &row.residual}) {
      if (plane == &row.residual && !split) continue;
      for (std::int64_t i = 32 * g; i < 32 * g + 32; ++i) parts.push_back(plane->q[i]);
      parts.push_back(plane->sum[2 * g]);
      parts.push_back(plane->sum[2 * g + 1]);
      parts.push_back(std::bit_cast<int>(plane->scale[g]));
    }
    parts.push_back(std::bit_cast<int>(row.scaled_sum[g]));
  }
  return parts;
}

constexpr DType kQuantised[] = {DType::q4_0, DType::q4_1, DType::q5_0,  DType::q5_1,
                                DType::q8_0, DType::q2_k, DType::q3_k,  DType::q4_k,
                                DType::q5_k, DType::q6_k, DType::iq4_nl};

class QuantPanels : public EveryIsa {};

TEST_P(QuantPanels, QuantisedActivationsEqualScalar) {
  std::vector<float> x = random_floats(32 * 40, 3);
  for (int i = 0; i < 32; ++i) x[i] = 0.0f;     // an empty group
  for (int i = 32; i < 64; ++i) x[i] = -1e30f;  // all at the limit
  for (int i = 64; i < 96; ++i) x[i] = 1e-30f;
  const QuantisedRows want(scalar_, x, 1, 32 * 40), got(kernels_, x, 1, 32 * 40);
  EXPECT_EQ(whole_parts(got), whole_parts(want));
  std::vector<float> uneven = random_floats(32 * 40, 3);
  for (std::size_t i = 0; i < uneven.size(); ++i) uneven[i] *= static_cast<float>(1 + i / 32 % 7);
  for (const float split_above : {0.0f, 1.0f, 4.0f}) {
    const QuantisedRows all(scalar_, uneven, 1, 32 * 40, split_above);
    const QuantisedRows same(kernels_, uneven, 1, 32 * 40, split_above);
    EXPECT_EQ(whole_parts(same), whole_parts(all)) << split_above;
  }
}

// What is left of a split group is within half a step of the second scale, which is half a step of
// the first divided by 127.
TEST_P(QuantPanels, LargeGroupsKeepAResidual) {
  std::vector<float> x = random_floats(32 * 20, 5);
  for (int i = 96; i < 128; ++i) x[i] *= 100.0f;  // group 3
  const QuantisedRows got(kernels_, x, 1, 32 * 20, 4.0f);
  const QuantisedRow& row = got.row(0);
  EXPECT_EQ(row.split[0], 1 << 3);
  EXPECT_EQ(row.split[1], 0);
  EXPECT_EQ(row.split[2], 0);
  for (std::size_t i = 96; i < 128; ++i) {
    const double value = double{row.main.scale[3]} * row.main.q[i] +
                         double{row.residual.scale[3]} * row.residual.q[i];
    EXPECT_NEAR(value, x[i], double{row.main.scale[3]} / 2 / 254 * 1.01) << i;
  }
}

TEST_P(QuantPanels, AGroupThatIsNotFiniteGetsScaleNaN) {
  for (std::size_t at = 0; at < 32; ++at) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -HUGE_VALF, HUGE_VALF}) {
      std::vector<float> x = random_floats(96, 3);
      const QuantisedRows finite(kernels_, x, 1, 96);
      x[32 + at] = bad;
      const QuantisedRows got(kernels_, x, 1, 96);
      const QuantPlane& main = got.row(0).main;
      EXPECT_TRUE(std::isnan(main.scale[1])) << bad << " at " << at;
      EXPECT_TRUE(std::isnan(got.row(0).scaled_sum[1]));
      for (std::size_t i = 32; i < 64; ++i) EXPECT_EQ(main.q[i], 0);
      EXPECT_EQ(main.sum[2], 0);
      EXPECT_EQ(main.sum[3], 0);
      EXPECT_EQ(got.row(0).split[0] & 2, 0);
      EXPECT_EQ(main.scale[0], finite.row(0).main.scale[0]);
      EXPECT_EQ(main.scale[2], finite.row(0).main.scale[2]);
      EXPECT_EQ(main.q[95], finite.row(0).main.q[95]);
    }
  }
}

TEST_P(QuantPanels, PanelsOfWholeNumbersEqualScalarExactly) {
  for (const DType dtype : kQuantised) {
    for (const Fill fill : {Fill::random, Fill::lowest, Fill::highest}) {
      const std::int64_t k = 256, n_tokens = 13;
      const PackedPanel panel = make_panel(dtype, k, fill, 5);
      std::vector<float> x(k * n_tokens);
      std::mt19937 random(7);
      for (std::size_t i = 0; i < x.size(); ++i) {
        const std::size_t token = i / k;  // token 0: all 127, token 1: all -127, the rest random
        x[i] = token == 0   ? 127.0f
               : token == 1 ? -127.0f
                            : static_cast<float>(static_cast<int>(random() % 255) - 127);
        if (i % 32 == 0) x[i] = 127.0f;  // the group's scale is 1
      }
      QuantisedRows rows(scalar_, x, n_tokens, k);
      rows.make_whole();
      std::vector<float> want(kTileRows * n_tokens), got(kTileRows * n_tokens);
      const auto format = static_cast<std::size_t>(panel.format);
      scalar_.quant_panel[format](panel.bytes.data(), k, rows.rows(), rows.residuals(), n_tokens,
                                  want.data(), kTileRows);
      kernels_.quant_panel[format](panel.bytes.data(), k, rows.rows(), rows.residuals(), n_tokens,
                                   got.data(), kTileRows);
      for (const float value : want) ASSERT_LT(std::fabs(value), 0x1.0p24f) << "not exact in f32";
      EXPECT_EQ(got, want) << name(dtype) << " fill " << static_cast<int>(fill);
    }
  }
}

TEST_P(QuantPanels, PanelsAreCloseToScalarWithRealScales) {
  for (const DType dtype : kQuantised) {
    const std::int64_t k = 512;
    const PackedPanel panel = make_panel(dtype, k, Fill::random, 11);
    const QuantisedRows rows(scalar_, random_floats(k, 13), 1, k);
    float want[kTileRows], got[kTileRows];
    const auto format = static_cast<std::size_t>(panel.format);
    scalar_.quant_panel[format](panel.bytes.data(), k, rows.rows(), nullptr, 1, want, kTileRows);
    kernels_.quant_panel[format](panel.bytes.data(), k, rows.rows(), nullptr, 1, got, kTileRows);
    // One fma rounding a tile and group against sums of the same size: c = 4, 2 x 32 roundings.
    float largest = 0.0f;
    for (const float value : want) largest = std::max(largest, std::fabs(value));
    for (int r = 0; r < kTileRows; ++r)
      EXPECT_NEAR(got[r], want[r], 4 * 64 * 0x1.0p-24f * 8 * largest) << name(dtype);
  }
}

// Bit-equality whatever stands beside a token: 1 to 17 tokens, each equal to its lone run.
void expect_independent_tokens(const RowKernels& kernels, DType dtype, float split_above) {
  const std::int64_t n_tokens = 17;
  const std::int64_t k = info(dtype).block_elems == 32 ? 608 : 768;  // no whole super-block: 608
  std::vector<float> x = random_floats(k * n_tokens, 17);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] *= static_cast<float>(1 + i / 32 % 5);
  const PackedPanel panel = make_panel(dtype, k, Fill::random, 19);
  const QuantPanelFn kernel = kernels.quant_panel[static_cast<std::size_t>(panel.format)];
  QuantisedRows rows(kernels, x, n_tokens, k, split_above);
  for (std::int64_t n = 1; n <= n_tokens; ++n) {
    rows.collect(n);
    std::vector<float> together(n * 40, -1.0f);
    kernel(panel.bytes.data(), k, rows.rows(), rows.residuals(), n, together.data(), 40);
    for (std::int64_t t = 0; t < n; ++t) {
      float alone[kTileRows];
      kernel(panel.bytes.data(), k, rows.rows() + t, nullptr, 1, alone, kTileRows);
      ASSERT_TRUE(bits_equal(alone, together.data() + t * 40)) << name(dtype) << " n " << n;
      ASSERT_EQ(together[t * 40 + 32], -1.0f) << "past the panel";
    }
  }
}

TEST_P(QuantPanels, ATokensResultDoesNotDependOnItsNeighbours) {
  for (const DType dtype : kQuantised) {
    for (const float split_above : {0.0f, 1.5f, 1e9f}) {  // every group split, some, none
      SCOPED_TRACE(split_above);
      expect_independent_tokens(kernels_, dtype, split_above);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, QuantPanels, testing::ValuesIn(available_isas()),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace tinyllm

// Every instruction set against the scalar table, and every kernel against itself in other company.

#include "kernels/row_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/error.h"
#include "kernels/cpu/pick_isa.h"
#include "quant/k_groups.h"
#include "quant/q2_k.h"
#include "quant/q3_k.h"
#include "quant/q4_1.h"
#include "quant/q4_k.h"
#include "quant/q5_1.h"
#include "quant/q5_k.h"
#include "quant/q6_k.h"
#include "quant/q8_0.h"
#include "quant/tile.h"
#include "tensor/float16.h"

namespace tinyllm {
namespace {

constexpr std::uint16_t kHalfOne = 0x3C00;  // 1.0 as binary16

std::vector<float> random_floats(std::size_t n, unsigned seed, float size = 1.0f) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, size);
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

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
  std::vector<std::byte> rows(static_cast<std::size_t>(kTileRows * row_bytes(dtype, k)));
  for (std::byte& byte : rows) {
    byte = fill == Fill::lowest    ? std::byte{0x00}
           : fill == Fill::highest ? std::byte{0xFF}
                                   : static_cast<std::byte>(random());
    if (dtype == DType::q8_0 && fill == Fill::lowest) byte = std::byte{0x80};  // -128
    if (dtype == DType::q8_0 && fill == Fill::highest) byte = std::byte{0x7F};
  }
  for (std::size_t at = 0; at < rows.size();
       at += static_cast<std::size_t>(info(dtype).block_bytes)) {
    set_whole_scales(dtype, rows.data() + at, random);
  }
  const Tensor matrix{rows.data(), dtype, {kTileRows, k}};
  PackedPanel panel{tile_format_for(dtype), {}};
  panel.bytes.resize(static_cast<std::size_t>(info(panel.format).panel_bytes(k)));
  pack_panel(matrix, 0, panel.bytes.data());
  return panel;
}

// Activations of some tokens, quantised by the given table.
struct QuantisedRows {
  std::vector<std::int8_t> q;
  std::vector<float> scale;
  std::vector<std::int32_t> sum;
  std::vector<QuantisedRow> rows;

  QuantisedRows(const RowKernels& kernels, const std::vector<float>& x, std::int64_t n_tokens,
                std::int64_t k)
      : q(x.size()), scale(x.size() / 32), sum(x.size() / 16) {
    for (std::int64_t t = 0; t < n_tokens; ++t) {
      kernels.quantise_act(x.data() + t * k, k, q.data() + t * k, scale.data() + t * k / 32,
                           sum.data() + t * k / 16);
      rows.push_back({q.data() + t * k, scale.data() + t * k / 32, sum.data() + t * k / 16});
    }
  }
  // Scales of 1 and given quants: whole numbers only.
  void make_whole() { std::fill(scale.begin(), scale.end(), 1.0f); }
};

// Two results of a panel, [kTileRows] f32, bit for bit.
bool bits_equal(const float* a, const float* b) {
  return std::equal(a, a + kTileRows, b, [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  });
}

constexpr DType kQuantised[] = {DType::q4_0, DType::q4_1, DType::q5_0,  DType::q5_1,
                                DType::q8_0, DType::q2_k, DType::q3_k,  DType::q4_k,
                                DType::q5_k, DType::q6_k, DType::iq4_nl};

class EveryIsa : public testing::TestWithParam<std::string_view> {
 protected:
  const RowKernels& kernels_ = row_kernels(GetParam());
  const RowKernels& scalar_ = row_kernels("scalar");
};

TEST_P(EveryIsa, QuantisedActivationsEqualScalar) {
  std::vector<float> x = random_floats(32 * 40, 3);
  for (int i = 0; i < 32; ++i) x[static_cast<std::size_t>(i)] = 0.0f;     // an empty group
  for (int i = 32; i < 64; ++i) x[static_cast<std::size_t>(i)] = -1e30f;  // all at the limit
  for (int i = 64; i < 96; ++i) x[static_cast<std::size_t>(i)] = 1e-30f;
  const QuantisedRows want(scalar_, x, 1, 32 * 40), got(kernels_, x, 1, 32 * 40);
  EXPECT_EQ(got.q, want.q);
  EXPECT_EQ(got.scale, want.scale);
  EXPECT_EQ(got.sum, want.sum);
}

TEST_P(EveryIsa, AGroupThatIsNotFiniteGetsScaleNaN) {
  for (std::size_t at = 0; at < 32; ++at) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -HUGE_VALF, HUGE_VALF}) {
      std::vector<float> x = random_floats(96, 3);
      const QuantisedRows finite(kernels_, x, 1, 96);
      x[32 + at] = bad;
      const QuantisedRows got(kernels_, x, 1, 96);
      EXPECT_TRUE(std::isnan(got.scale[1])) << bad << " at " << at;
      for (std::size_t i = 32; i < 64; ++i) EXPECT_EQ(got.q[i], 0);
      EXPECT_EQ(got.sum[2], 0);
      EXPECT_EQ(got.sum[3], 0);
      EXPECT_EQ(got.scale[0], finite.scale[0]);
      EXPECT_EQ(got.scale[2], finite.scale[2]);
      EXPECT_EQ(got.q.back(), finite.q.back());
    }
  }
}

TEST_P(EveryIsa, PanelsOfWholeNumbersEqualScalarExactly) {
  for (const DType dtype : kQuantised) {
    for (const Fill fill : {Fill::random, Fill::lowest, Fill::highest}) {
      const std::int64_t k = 256, n_tokens = 4;
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
      scalar_.quant_panel[format](panel.bytes.data(), k, rows.rows.data(), n_tokens, want.data(),
                                  kTileRows);
      kernels_.quant_panel[format](panel.bytes.data(), k, rows.rows.data(), n_tokens, got.data(),
                                   kTileRows);
      for (const float value : want) ASSERT_LT(std::fabs(value), 0x1.0p24f) << "not exact in f32";
      EXPECT_EQ(got, want) << name(dtype) << " fill " << static_cast<int>(fill);
    }
  }
}

TEST_P(EveryIsa, PanelsAreCloseToScalarWithRealScales) {
  for (const DType dtype : kQuantised) {
    const std::int64_t k = 512;
    const PackedPanel panel = make_panel(dtype, k, Fill::random, 11);
    const QuantisedRows rows(scalar_, random_floats(k, 13), 1, k);
    float want[kTileRows], got[kTileRows];
    const auto format = static_cast<std::size_t>(panel.format);
    scalar_.quant_panel[format](panel.bytes.data(), k, rows.rows.data(), 1, want, kTileRows);
    kernels_.quant_panel[format](panel.bytes.data(), k, rows.rows.data(), 1, got, kTileRows);
    // One fma rounding a tile and group against sums of the same magnitude: c = 4, 2 x 32
    // roundings.
    float largest = 0.0f;
    for (const float value : want) largest = std::max(largest, std::fabs(value));
    for (int r = 0; r < kTileRows; ++r)
      EXPECT_NEAR(got[r], want[r], 4 * 64 * 0x1.0p-24f * 8 * largest) << name(dtype);
  }
}

// Bit-equality whatever stands beside a token: 1 to 9 tokens, each equal to its lone run.
TEST_P(EveryIsa, ATokensResultDoesNotDependOnItsNeighbours) {
  const std::int64_t k = 256, n_tokens = 9;
  const std::vector<float> x = random_floats(k * n_tokens, 17);
  std::vector<DType> dtypes(std::begin(kQuantised), std::end(kQuantised));
  for (const DType dtype : dtypes) {
    const PackedPanel panel = make_panel(dtype, k, Fill::random, 19);
    const QuantPanelFn kernel = kernels_.quant_panel[static_cast<std::size_t>(panel.format)];
    const QuantisedRows rows(kernels_, x, n_tokens, k);
    for (std::int64_t n = 1; n <= n_tokens; ++n) {
      std::vector<float> together(static_cast<std::size_t>(n * 40), -1.0f);
      kernel(panel.bytes.data(), k, rows.rows.data(), n, together.data(), 40);
      for (std::int64_t t = 0; t < n; ++t) {
        float alone[kTileRows];
        kernel(panel.bytes.data(), k, &rows.rows[static_cast<std::size_t>(t)], 1, alone, kTileRows);
        ASSERT_TRUE(bits_equal(alone, together.data() + t * 40)) << name(dtype) << " n " << n;
        ASSERT_EQ(together[static_cast<std::size_t>(t * 40 + 32)], -1.0f)
            << "written past the panel";
      }
    }
  }
}

TEST_P(EveryIsa, FloatPanels) {
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    const std::int64_t k = 77, n_tokens = 7, x_stride = 80;
    std::vector<std::byte> weights(static_cast<std::size_t>(kTileRows * row_bytes(dtype, k)));
    const std::vector<float> values = random_floats(static_cast<std::size_t>(kTileRows * k), 23);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint16_t half =
          dtype == DType::f16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
      if (dtype == DType::f32) {
        std::memcpy(weights.data() + 4 * i, &values[i], 4);
      } else {
        std::memcpy(weights.data() + 2 * i, &half, 2);
      }
    }
    const TileFormat format = tile_format_for(dtype);
    std::vector<std::byte> panel(static_cast<std::size_t>(k * kTileRows * info(dtype).block_bytes));
    pack_panel({weights.data(), dtype, {kTileRows, k}}, 0, panel.data());
    const std::vector<float> x = random_floats(n_tokens * x_stride, 29);
    std::vector<float> want(n_tokens * kTileRows), got(n_tokens * kTileRows);
    const auto at = static_cast<std::size_t>(format);
    scalar_.float_panel[at](panel.data(), k, x.data(), x_stride, n_tokens, want.data(), kTileRows);
    kernels_.float_panel[at](panel.data(), k, x.data(), x_stride, n_tokens, got.data(), kTileRows);
    EXPECT_EQ(got, want);  // the same fma in the same order
    for (std::int64_t t = 0; t < n_tokens; ++t) {
      float alone[kTileRows];
      kernels_.float_panel[at](panel.data(), k, x.data() + t * x_stride, x_stride, 1, alone,
                               kTileRows);
      ASSERT_TRUE(bits_equal(alone, got.data() + t * kTileRows));
    }
  }
}

// |got - want| <= c eps size, c as given: roundings of the two ways to compute.
void expect_close(const std::vector<float>& got, const std::vector<float>& want, float c,
                  const char* what) {
  float size = 0.0f;
  for (const float value : want) size = std::max(size, std::fabs(value));
  for (std::size_t i = 0; i < want.size(); ++i) {
    ASSERT_NEAR(got[i], want[i], c * 0x1.0p-24f * std::max(size, 1e-30f))
        << what << " element " << i;
  }
}

TEST_P(EveryIsa, RowOperators) {
  for (const std::int64_t n : {1, 7, 8, 31, 64, 577}) {
    const auto size = static_cast<std::size_t>(n);
    const std::vector<float> x = random_floats(size, 31, 3.0f), y = random_floats(size, 37, 3.0f);
    std::vector<float> want(size), got(size);
    scalar_.rms_norm(x.data(), y.data(), want.data(), n, 1e-5f);
    kernels_.rms_norm(x.data(), y.data(), got.data(), n, 1e-5f);
    expect_close(got, want, static_cast<float>(n) / 4 + 8, "rms_norm");
    scalar_.silu_mul(x.data(), y.data(), want.data(), n);
    kernels_.silu_mul(x.data(), y.data(), got.data(), n);
    expect_close(got, want, 16, "silu_mul");
    want = got = x;
    scalar_.add(want.data(), y.data(), n);
    kernels_.add(got.data(), y.data(), n);
    EXPECT_EQ(got, want);
  }
  const std::vector<float> extremes = {-200.0f, -88.5f, -87.0f, 0.0f, 88.0f, 200.0f, 1e30f, -1e30f};
  const std::vector<float> ones(8, 1.0f);
  std::vector<float> want(8), got(8);
  scalar_.silu_mul(extremes.data(), ones.data(), want.data(), 8);
  kernels_.silu_mul(extremes.data(), ones.data(), got.data(), 8);
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_NEAR(got[i], want[i], 1e-34f + 1e-6f * std::fabs(want[i])) << i;
}

TEST_P(EveryIsa, Rope) {
  for (const std::int64_t head_dim : {2, 8, 20, 64, 128}) {
    const auto size = static_cast<std::size_t>(head_dim);
    const std::vector<float> x = random_floats(size, 41),
                             angles = random_floats(size / 2, 43, 10.0f);
    std::vector<float> cos(size / 2), sin(size / 2);
    for (std::size_t i = 0; i < size / 2; ++i) {
      cos[i] = std::cos(angles[i]);
      sin[i] = std::sin(angles[i]);
    }
    std::vector<float> want = x, got = x;
    scalar_.rope_split_halves(want.data(), cos.data(), sin.data(), head_dim);
    kernels_.rope_split_halves(got.data(), cos.data(), sin.data(), head_dim);
    expect_close(got, want, 4, "split halves");
    want = got = x;
    scalar_.rope_interleaved(want.data(), cos.data(), sin.data(), head_dim);
    kernels_.rope_interleaved(got.data(), cos.data(), sin.data(), head_dim);
    expect_close(got, want, 4, "interleaved");
  }
}

TEST_P(EveryIsa, AttentionOverPages) {
  for (const bool bf16 : {true, false}) {
    for (const std::int32_t n_q : {1, 2, 3, 7}) {
      constexpr std::int32_t kHeadDim = 64, kBlockSize = 16, kPositions = 600, kBlocks = 40;
      const std::int64_t stride = 2 * kHeadDim * kBlockSize * (bf16 ? 2 : 4) + 64;
      std::vector<std::byte> want_bytes(static_cast<std::size_t>(stride * kBlocks),
                                        std::byte{0xFF});  // NaN
      std::vector<std::byte> got_bytes = want_bytes;
      const KvPages want_kv{want_bytes.data(), stride, kBlockSize, kHeadDim, bf16};
      const KvPages got_kv{got_bytes.data(), stride, kBlockSize, kHeadDim, bf16};
      std::vector<std::int32_t> table(kBlocks);
      for (std::int32_t i = 0; i < kBlocks; ++i)
        table[static_cast<std::size_t>(i)] = (i * 7 + 3) % kBlocks;
      const std::vector<float> rows = random_floats(2 * kPositions * kHeadDim, 47);
      for (std::int32_t p = 0; p < kPositions; ++p) {
        const float* k = rows.data() + 2 * p * kHeadDim;
        const std::int32_t block = table[static_cast<std::size_t>(p / kBlockSize)];
        scalar_.store_kv(want_kv, block, p % kBlockSize, k, k + kHeadDim);
        kernels_.store_kv(got_kv, block, p % kBlockSize, k, k + kHeadDim);
      }
      EXPECT_EQ(got_bytes, want_bytes);
      const std::vector<float> q =
          random_floats(static_cast<std::size_t>(n_q) * kHeadDim, 53, 2.0f);
      std::vector<float> want(q.size()), got(q.size());
      std::vector<float> scratch(static_cast<std::size_t>(n_q) * kAttentionSegment);
      for (const std::int32_t position : {0, 1, 7, 8, 255, 256, 257, 599}) {
        for (const std::int32_t first : {0, position / 2, position}) {
          scalar_.attention(q.data(), n_q, want_kv, table.data(), first, position, 0.125f,
                            want.data(), scratch.data());
          kernels_.attention(q.data(), n_q, got_kv, table.data(), first, position, 0.125f,
                             got.data(), scratch.data());
          // Sums over up to 600 positions and 64 dimensions, scores of size ~4 in the exponent.
          expect_close(got, want, 256, "attention");
        }
      }
    }
  }
}

// A NaN must reach the logits, where the engine looks for it: no maximum, no clamp may swallow it.
TEST_P(EveryIsa, WhatIsNotANumberStaysSeen) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::int64_t n : {1, 7, 8, 33, 64}) {
    const auto size = static_cast<std::size_t>(n);
    for (std::size_t at = 0; at < size; ++at) {
      std::vector<float> x = random_floats(size, 31), out(size);
      const std::vector<float> ones(size, 1.0f);
      x[at] = nan;
      kernels_.rms_norm(x.data(), ones.data(), out.data(), n, 1e-5f);
      for (const float value : out) ASSERT_TRUE(std::isnan(value)) << "rms_norm " << at;
      kernels_.silu_mul(x.data(), ones.data(), out.data(), n);
      ASSERT_TRUE(std::isnan(out[at])) << "silu_mul, gate " << at;
      kernels_.silu_mul(ones.data(), x.data(), out.data(), n);
      ASSERT_TRUE(std::isnan(out[at])) << "silu_mul, up " << at;
    }
  }
  const std::int32_t head_dim = 16, block_size = 8, n_positions = 300;
  for (const bool bf16 : {true, false}) {
    const std::int64_t stride = std::int64_t{2} * head_dim * block_size * (bf16 ? 2 : 4);
    std::vector<std::byte> bytes(static_cast<std::size_t>(stride * 38));
    const KvPages kv{bytes.data(), stride, block_size, head_dim, bf16};
    std::vector<std::int32_t> table(38);
    for (std::int32_t i = 0; i < 38; ++i) table[static_cast<std::size_t>(i)] = i;
    const std::vector<float> row = random_floats(head_dim, 3), bad(head_dim, nan);
    std::vector<float> out(head_dim), scratch(kAttentionSegment);
    for (const std::int32_t poisoned : {0, 5, 255, 256, 299}) {
      for (std::int32_t p = 0; p < n_positions; ++p) {
        const float* kv_row = p == poisoned ? bad.data() : row.data();
        kernels_.store_kv(kv, p / block_size, p % block_size, kv_row, kv_row);
      }
      for (const std::int32_t position : {poisoned - 1, poisoned, n_positions - 1}) {
        if (position < 0) continue;
        kernels_.attention(row.data(), 1, kv, table.data(), 0, position, 0.25f, out.data(),
                           scratch.data());
        for (const float value : out) {
          ASSERT_EQ(std::isnan(value), position >= poisoned)
              << "attention of " << position << " over " << poisoned;
        }
      }
    }
  }
}

std::vector<std::string_view> vector_isas() {
  std::vector<std::string_view> isas = available_isas();
  return isas;
}

INSTANTIATE_TEST_SUITE_P(Cpu, EveryIsa, testing::ValuesIn(vector_isas()),
                         [](const auto& test) { return std::string(test.param); });

TEST(PickIsa, SaysWhatThisMachineLacks) {
  for (const char* isa : {"avx2"}) {
    bool available = false;
    for (const std::string_view name : available_isas()) available |= name == isa;
    if (!available)
      GTEST_SKIP() << "this CPU has no " << isa << ": its kernels are not tested here";
  }
}

TEST(PickIsa, OverridesTheTableOrSingleKernels) {
  const RowKernels best = pick_row_kernels("", "");
  EXPECT_STREQ(best.isa, std::string(available_isas().front()).c_str());
  const RowKernels scalar = pick_row_kernels("scalar", "");
  EXPECT_EQ(scalar.rms_norm, row_kernels("scalar").rms_norm);
  const RowKernels mixed = pick_row_kernels("", "rms_norm=scalar,rope_interleaved=scalar");
  EXPECT_EQ(mixed.rms_norm, scalar.rms_norm);
  EXPECT_EQ(mixed.rope_interleaved, scalar.rope_interleaved);
  EXPECT_EQ(mixed.silu_mul, best.silu_mul);
}

TEST(PickIsa, UnknownNamesAreOneClearLine) {
  const auto message_of = [](auto isa, auto kernels) -> std::string {
    try {
      pick_row_kernels(isa, kernels);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(message_of("sse9", "").find("TINYLLM_ISA: 'sse9' is no instruction set; this CPU has"),
            std::string::npos);
  EXPECT_EQ(message_of("", "softmax9=scalar"),
            "TINYLLM_KERNELS: 'softmax9' is no kernel; there are rms_norm, quantise_act, panels, "
            "rope_split_halves, rope_interleaved, store_kv, attention, silu_mul, add");
  EXPECT_NE(message_of("", "rms_norm").find("'' is no instruction set"), std::string::npos);
}

}  // namespace
}  // namespace tinyllm

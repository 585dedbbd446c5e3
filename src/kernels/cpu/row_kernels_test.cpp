// Every instruction set against the scalar table, and every kernel against itself in other company.

#include "kernels/cpu/row_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "base/error.h"
#include "kernels/cpu/every_isa_test.h"
#include "kernels/cpu/layout/tile.h"
#include "kernels/cpu/pick_isa.h"
#include "tensor/float16.h"

namespace tinyllm {
namespace {

class RowOperators : public EveryIsa {};

// A packed panel of random weights, [k columns][32 rows].
std::vector<std::byte> random_float_panel(DType dtype, std::int64_t k) {
  std::vector<std::byte> weights(kTileRows * row_bytes(dtype, k));
  const std::vector<float> values = random_floats(kTileRows * k, 23);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t half = dtype == DType::f16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
    if (dtype == DType::f32) {
      std::memcpy(weights.data() + 4 * i, &values[i], 4);
    } else {
      std::memcpy(weights.data() + 2 * i, &half, 2);
    }
  }
  const TileFormat format = tile_format_for(dtype);
  std::vector<std::byte> panel(panel_bytes(format, k));
  pack_panel({weights.data(), dtype, {kTileRows, k}}, format, 0, panel.data());
  return panel;
}

// Columns and tokens that fill blocks and passes, and that do not.
TEST_P(RowOperators, FloatPanels) {
  constexpr std::int64_t kStride = 416, kYStride = kTileRows + 8;
  const std::vector<float> x = random_floats(kMaxPanelTokens * kStride, 29);
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    const auto format = static_cast<std::size_t>(tile_format_for(dtype));
    const FloatPanelFn times = kernels_.float_panel[format];
    for (const std::int64_t k : {1, 77, 128, 400}) {
      const std::vector<std::byte> panel = random_float_panel(dtype, k);
      for (const std::int64_t n_tokens : {1, 2, 3, 4, 7, 9, 17, 128}) {
        std::vector<float> want(n_tokens * kYStride, 7.0f), got = want;
        scalar_.float_panel[format](panel.data(), k, x.data(), kStride, n_tokens, want.data(),
                                    kYStride);
        times(panel.data(), k, x.data(), kStride, n_tokens, got.data(), kYStride);
        ASSERT_EQ(got, want) << k << " x " << n_tokens;  // the same fma in the same order
        for (std::int64_t t = 0; t < n_tokens; ++t) {
          float alone[kTileRows];
          times(panel.data(), k, x.data() + t * kStride, kStride, 1, alone, kTileRows);
          ASSERT_TRUE(bits_equal(alone, got.data() + t * kYStride)) << k << " x " << n_tokens;
        }
      }
    }
  }
}

// Rounds to nearest even, what is not finite included.
TEST_P(RowOperators, ActivationsAreRoundedToBf16) {
  if (kernels_.round_act == nullptr) return;  // most multiply no bf16
  std::vector<float> x = random_floats(64, 47, 100.0f);
  x[3] = 1.00390625f;  // half way: to the even one below
  x[4] = 1.01171875f;  // half way: to the even one above
  x[5] = HUGE_VALF, x[6] = -HUGE_VALF, x[7] = 3.4e38f, x[8] = -0.0f;
  std::vector<std::uint16_t> got(64);
  kernels_.round_act(x.data(), 64, got.data());
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(got[i], f32_to_bf16(x[i])) << x[i];
  x[9] = std::numeric_limits<float>::quiet_NaN();
  kernels_.round_act(x.data(), 64, got.data());
  EXPECT_TRUE(std::isnan(bf16_to_f32(got[9])));
}

// The panel of random bf16 weights, as pairs.
std::vector<std::byte> random_pairs(const std::vector<float>& values, std::int64_t k) {
  std::vector<std::uint16_t> weights(values.size());
  std::ranges::transform(values, weights.begin(), f32_to_bf16);
  std::vector<std::byte> panel(panel_bytes(TileFormat::bf16_pairs, k));
  pack_panel({reinterpret_cast<const std::byte*>(weights.data()), DType::bf16, {kTileRows, k}},
             TileFormat::bf16_pairs, 0, panel.data());
  return panel;
}

// Whole numbers are exact in any order. Behind a row's columns stand others, which must not count.
TEST_P(RowOperators, PairsOfBf16) {
  if (kernels_.bf16_panel == nullptr) return;  // most multiply no bf16
  constexpr std::int64_t kStride = 416, kYStride = kTileRows + 8;
  std::mt19937 random(53);
  const auto whole = [&] { return static_cast<float>(static_cast<int>(random() % 33) - 16); };
  std::vector<std::uint16_t> x(kMaxPanelTokens * kStride);
  for (std::uint16_t& value : x) value = f32_to_bf16(whole());
  for (const std::int64_t k : {1, 2, 77, 128, 400}) {
    std::vector<float> weights(kTileRows * k);
    for (float& value : weights) value = whole();
    const std::vector<std::byte> panel = random_pairs(weights, k);
    for (const std::int64_t n_tokens : {1, 2, 3, 7, 8, 9, 17, 128}) {
      std::vector<float> got(n_tokens * kYStride, 7.0f);
      kernels_.bf16_panel(panel.data(), k, x.data(), kStride, n_tokens, got.data(), kYStride);
      for (std::int64_t t = 0; t < n_tokens; ++t) {
        for (std::int64_t r = 0; r < kTileRows; ++r) {
          float want = 0.0f;
          for (std::int64_t i = 0; i < k; ++i)
            want += weights[r * k + i] * bf16_to_f32(x[t * kStride + i]);
          ASSERT_EQ(got[t * kYStride + r], want) << k << " x " << n_tokens << ", row " << r;
        }
        ASSERT_EQ(got[t * kYStride + kTileRows], 7.0f) << "past the panel";
      }
    }
  }
}

TEST_P(RowOperators, PairsOfBf16DoNotDependOnTheirNeighbours) {
  if (kernels_.bf16_panel == nullptr) return;  // most multiply no bf16
  constexpr std::int64_t kCols = 416;
  const std::vector<std::byte> panel = random_pairs(random_floats(kTileRows * kCols, 59), kCols);
  const std::vector<float> values = random_floats(kMaxPanelTokens * kCols, 61);
  std::vector<std::uint16_t> x(values.size());
  kernels_.round_act(values.data(), std::ssize(values), x.data());
  for (const std::int64_t n_tokens : {2, 3, 7, 8, 9, 17, 128}) {
    std::vector<float> together(n_tokens * kTileRows);
    kernels_.bf16_panel(panel.data(), kCols, x.data(), kCols, n_tokens, together.data(), kTileRows);
    for (std::int64_t t = 0; t < n_tokens; ++t) {
      float alone[kTileRows];
      kernels_.bf16_panel(panel.data(), kCols, x.data() + t * kCols, kCols, 1, alone, kTileRows);
      ASSERT_TRUE(bits_equal(alone, together.data() + t * kTileRows)) << n_tokens;
      for (std::int64_t r = 0; r < kTileRows; ++r) {
        double want = 0.0;
        std::vector<float> row(kCols);
        unpack_row(TileFormat::bf16_pairs, panel.data(), r, kCols, row.data());
        for (std::int64_t i = 0; i < kCols; ++i)
          want += double{row[i]} * double{bf16_to_f32(x[t * kCols + i])};
        ASSERT_NEAR(alone[r], want, 416 * 0x1.0p-24 * 8 * std::sqrt(416.0));
      }
    }
  }
}

// What tests without AMX prove of the tiles in plain C++ holds for the CPU's own. Sizes from the
// smallest denormal number to the largest squares that f32 holds.
TEST(AmxPanels, TilesOfTheCpuEqualThoseInCpp) {
  const std::vector<std::string_view> isas = available_isas();
  if (std::ranges::find(isas, "amx") == isas.end())
    GTEST_SKIP() << "no AMX here: only the tiles in plain C++ are tested, not the CPU's own";
  const RowKernels &real = row_kernels("amx"), &emulated = row_kernels("amx_emulated");
  for (const float size : {1.0f, 1e-19f, 1e-38f, 1e18f}) {
    constexpr std::int64_t kCols = 672, kTokens = 45;
    const std::vector<std::byte> panel =
        random_pairs(random_floats(kTileRows * kCols, 71, size), kCols);
    const std::vector<float> values = random_floats(kTokens * kCols, 73, size);
    std::vector<std::uint16_t> x(values.size());
    std::ranges::transform(values, x.begin(), f32_to_bf16);
    std::vector<float> got(kTokens * kTileRows), want(kTokens * kTileRows);
    real.bf16_panel(panel.data(), kCols, x.data(), kCols, kTokens, got.data(), kTileRows);
    emulated.bf16_panel(panel.data(), kCols, x.data(), kCols, kTokens, want.data(), kTileRows);
    for (std::int64_t t = 0; t < kTokens; ++t) {
      ASSERT_TRUE(bits_equal(got.data() + t * kTileRows, want.data() + t * kTileRows))
          << size << ", token " << t;
    }
  }
}

TEST_P(RowOperators, NormSiluAdd) {
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

TEST_P(RowOperators, LayerNormAndGelu) {
  for (const std::int64_t n : {1, 7, 8, 31, 64, 577}) {
    const auto size = static_cast<std::size_t>(n);
    const std::vector<float> x = random_floats(size, 31, 3.0f), y = random_floats(size, 37, 3.0f),
                             z = random_floats(size, 39);
    std::vector<float> want(size), got(size);
    scalar_.layer_norm(x.data(), y.data(), z.data(), want.data(), n, 1e-5f);
    kernels_.layer_norm(x.data(), y.data(), z.data(), got.data(), n, 1e-5f);
    expect_close(got, want, static_cast<float>(n) / 4 + 8, "layer_norm");
    scalar_.gelu(x.data(), want.data(), n);
    kernels_.gelu(x.data(), got.data(), n);
    expect_close(got, want, 8, "gelu");
  }
  for (float value = -12.0f; value <= 12.0f; value += 0.01f) {
    const std::vector<float> x(8, value);
    std::vector<float> want(8), got(8);
    scalar_.gelu(x.data(), want.data(), 8);
    kernels_.gelu(x.data(), got.data(), 8);
    // |x| / 2 times erfc's error of 1.5e-7, and three roundings.
    EXPECT_NEAR(got[0], want[0], (0.75e-7f + 3 * 0x1p-24f) * std::fabs(value)) << value;
  }
}

TEST_P(RowOperators, DotsOfBytesAreExact) {
  std::mt19937 random(47);
  for (const std::int64_t n : {64, 128, 384, 65536}) {
    for (const std::int64_t n_rows : {1, 3, 4, 9}) {
      std::vector<std::int8_t> rows(static_cast<std::size_t>(n_rows * n)),
          x(rows.begin(), rows.begin() + n);
      for (std::int8_t& value : rows) value = static_cast<std::int8_t>(random());
      for (std::int8_t& value : x) value = static_cast<std::int8_t>(random());
      std::fill_n(rows.begin(), n, std::int8_t{-128});  // the largest sums
      if (n_rows > 1) std::fill_n(x.begin(), n, std::int8_t{-128});
      std::vector<std::int32_t> want(static_cast<std::size_t>(n_rows)), got(want.size(), -1);
      scalar_.dot_i8(rows.data(), n_rows, n, x.data(), want.data());
      kernels_.dot_i8(rows.data(), n_rows, n, x.data(), got.data());
      EXPECT_EQ(got, want) << n << " x " << n_rows;
      std::int64_t first = 0;
      for (std::int64_t i = 0; i < n; ++i) first += std::int64_t{rows[i]} * x[i];
      EXPECT_EQ(want[0], first);
    }
  }
}

TEST_P(RowOperators, Rope) {
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

// A NaN must reach the logits, where the engine looks for it: no maximum, no clamp may swallow it.
TEST_P(RowOperators, WhatIsNotANumberStaysSeen) {
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
      kernels_.gelu(x.data(), out.data(), n);
      ASSERT_TRUE(std::isnan(out[at])) << "gelu " << at;
      kernels_.layer_norm(x.data(), ones.data(), ones.data(), out.data(), n, 1e-5f);
      for (const float value : out) ASSERT_TRUE(std::isnan(value)) << "layer_norm " << at;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, RowOperators, testing::ValuesIn(testable_isas()),
                         [](const auto& test) { return std::string(test.param); });

TEST(PickIsa, SaysWhatThisMachineLacks) {
#if defined(__x86_64__)
  const std::vector<const char*> known = {"avx2", "avxvnni", "avx512", "avx512bf16", "amx"};
#else
  const std::vector<const char*> known = {"neon", "neonbf16"};
#endif
  for (const char* isa : known) {
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

TEST(PickIsa, ExactFloatsTakeTheTableWithoutBf16) {
  for (const std::string_view isa : testable_isas()) {
    const RowKernels& table = row_kernels(isa);
    const RowKernels exact = with_exact_floats(table);
    EXPECT_EQ(exact.bf16_panel, nullptr);
    EXPECT_EQ(exact.quant_panel, table.quant_panel);
    const std::string_view without = isa == "avx512bf16"     ? "avx512"
                                     : isa == "amx"          ? "avx512"
                                     : isa == "amx_emulated" ? "avx512"
                                     : isa == "neonbf16"     ? "neon"
                                                             : isa;
    EXPECT_EQ(exact.isa, without);
  }
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
  EXPECT_NE(message_of("sse9", "")
                .find("TINYLLM_ISA: 'sse9' is not an instruction set of this CPU; it has"),
            std::string::npos);
  EXPECT_EQ(message_of("", "softmax9=scalar"),
            "TINYLLM_KERNELS: 'softmax9' is not a kernel; the kernels are rms_norm, quantise_act, "
            "panels, "
            "rope_split_halves, rope_interleaved, store_kv, attention, silu_mul, add, "
            "layer_norm, gelu, dot_i8");
  EXPECT_NE(message_of("", "rms_norm").find("'' is not an instruction set"), std::string::npos);
}

}  // namespace
}  // namespace tinyllm

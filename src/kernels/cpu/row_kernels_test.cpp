// Every instruction set against the scalar table, and every kernel against itself in other company.

#include "kernels/row_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/error.h"
#include "kernels/cpu/every_isa_test.h"
#include "kernels/cpu/pick_isa.h"
#include "quant/tile.h"
#include "tensor/float16.h"

namespace tinyllm {
namespace {

class RowOperators : public EveryIsa {};

// A packed panel of random weights, [k columns][32 rows].
std::vector<std::byte> random_float_panel(DType dtype, std::int64_t k) {
  std::vector<std::byte> weights(static_cast<std::size_t>(kTileRows * row_bytes(dtype, k)));
  const std::vector<float> values = random_floats(static_cast<std::size_t>(kTileRows * k), 23);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t half = dtype == DType::f16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
    if (dtype == DType::f32) {
      std::memcpy(weights.data() + 4 * i, &values[i], 4);
    } else {
      std::memcpy(weights.data() + 2 * i, &half, 2);
    }
  }
  std::vector<std::byte> panel(static_cast<std::size_t>(k * kTileRows * info(dtype).block_bytes));
  pack_panel({weights.data(), dtype, {kTileRows, k}}, 0, panel.data());
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
        std::vector<float> want(static_cast<std::size_t>(n_tokens * kYStride), 7.0f), got = want;
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

std::size_t attention_scratch(std::int32_t head_dim) {
  return static_cast<std::size_t>(kMaxAttentionQueries + 1) *
         static_cast<std::size_t>(kAttentionSegment + head_dim);
}

TEST_P(RowOperators, AttentionOverPages) {
  for (const KvType type : {KvType::f32, KvType::bf16, KvType::int8}) {
    for (const std::int32_t n_q : {1, 2, 3, 7}) {
      constexpr std::int32_t kHeadDim = 64, kBlockSize = 16, kPositions = 600, kBlocks = 40;
      const std::int64_t stride = kv_page_bytes(type, kBlockSize, kHeadDim) + 64;
      std::vector<std::byte> want_bytes(static_cast<std::size_t>(stride * kBlocks),
                                        std::byte{0xFF});  // NaN; scales too
      std::vector<std::byte> got_bytes = want_bytes;
      const KvPages want_kv{want_bytes.data(), stride, kBlockSize, kHeadDim, type};
      const KvPages got_kv{got_bytes.data(), stride, kBlockSize, kHeadDim, type};
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
      const std::int32_t n_tokens = 5;
      const std::int64_t width = std::int64_t{n_q} * kHeadDim;
      const std::vector<float> q =
          random_floats(static_cast<std::size_t>(n_tokens * width), 53, 2.0f);
      std::vector<float> want(q.size()), got(q.size()), alone(static_cast<std::size_t>(width));
      std::vector<float> scratch(attention_scratch(kHeadDim));
      for (const std::int32_t position : {0, 1, 7, 8, 253, 255, 256, 257, 595}) {
        for (const std::int32_t window : {0, 1, 3, 100, 300}) {
          AttentionQueries queries{q.data(), want.data(), width,    width,
                                   n_tokens, n_q,         position, window};
          scalar_.attention(queries, want_kv, table.data(), 0.125f, scratch.data());
          queries.out = got.data();
          kernels_.attention(queries, got_kv, table.data(), 0.125f, scratch.data());
          // Sums over up to 600 positions and 64 dimensions, scores of size ~4 in the exponent.
          expect_close(got, want, 256, "attention");
          for (std::int32_t t = 0; t < n_tokens; ++t) {  // each token alone: the same bits
            kernels_.attention(
                {q.data() + t * width, alone.data(), width, width, 1, n_q, position + t, window},
                got_kv, table.data(), 0.125f, scratch.data());
            ASSERT_TRUE(std::equal(alone.begin(), alone.end(), got.begin() + t * width,
                                   [](float a, float b) {
                                     return std::bit_cast<std::uint32_t>(a) ==
                                            std::bit_cast<std::uint32_t>(b);
                                   }))
                << "token " << t << " from " << position << ", window " << window;
          }
        }
      }
    }
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
    }
  }
  const std::int32_t head_dim = 16, block_size = 8, n_positions = 300;
  for (const KvType type : {KvType::f32, KvType::bf16, KvType::int8}) {
    const std::int64_t stride = kv_page_bytes(type, block_size, head_dim);
    std::vector<std::byte> bytes(static_cast<std::size_t>(stride * 38));
    const KvPages kv{bytes.data(), stride, block_size, head_dim, type};
    std::vector<std::int32_t> table(38);
    for (std::int32_t i = 0; i < 38; ++i) table[static_cast<std::size_t>(i)] = i;
    const std::vector<float> row = random_floats(head_dim, 3), bad(head_dim, nan);
    const std::int32_t n_tokens = 7;  // each sees one position more than the one before
    std::vector<float> q, out(n_tokens * head_dim), scratch(attention_scratch(head_dim));
    for (std::int32_t t = 0; t < n_tokens; ++t) q.insert(q.end(), row.begin(), row.end());
    for (const std::int32_t poisoned : {0, 5, 255, 256, 299}) {
      for (std::int32_t p = 0; p < n_positions; ++p) {
        const float* kv_row = p == poisoned ? bad.data() : row.data();
        kernels_.store_kv(kv, p / block_size, p % block_size, kv_row, kv_row);
      }
      for (std::int32_t first : {poisoned - 3, poisoned, n_positions - n_tokens}) {
        first = std::clamp(first, 0, n_positions - n_tokens);
        kernels_.attention({q.data(), out.data(), head_dim, head_dim, n_tokens, 1, first, 0}, kv,
                           table.data(), 0.25f, scratch.data());
        for (std::int32_t i = 0; i < n_tokens * head_dim; ++i) {
          const std::int32_t position = first + i / head_dim;
          ASSERT_EQ(std::isnan(out[static_cast<std::size_t>(i)]), position >= poisoned)
              << "attention of " << position << " over " << poisoned;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, RowOperators, testing::ValuesIn(available_isas()),
                         [](const auto& test) { return std::string(test.param); });

TEST(PickIsa, SaysWhatThisMachineLacks) {
#if defined(__x86_64__)
  const std::vector<const char*> known = {"avx2", "avxvnni", "avx512"};
#else
  const std::vector<const char*> known = {"neon"};
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

// Attention over K/V pages: every instruction set against the scalar table and against float64, and
// every result against the same one computed in other company, bit for bit.

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "kernels/cpu/every_isa_test.h"
#include "kernels/cpu/layout/attention_queries.h"
#include "kernels/cpu/row_kernels.h"
#include "tensor/float16.h"

namespace tinyllm {
namespace {

constexpr KvType kTypes[] = {KvType::f32, KvType::bf16, KvType::int8, KvType::fp8, KvType::q4};

// Pages of one K/V head, in no order, with more bytes between blocks than they need.
class PagedRows {
 public:
  PagedRows(KvType type, std::int32_t head_dim, std::int32_t block_size, std::int32_t n_positions)
      : head_dim_(head_dim),
        n_positions_(n_positions),
        n_blocks_((n_positions + block_size - 1) / block_size),
        table_(n_blocks_) {
    const std::int64_t stride = kv_page_bytes(type, block_size, head_dim) + 64;
    bytes_.assign(stride * n_blocks_, std::byte{0xFF});  // NaN
    kv_ = {bytes_.data(), stride, block_size, head_dim, type};
    for (std::int32_t i = 0; i < n_blocks_; ++i) table_[i] = n_blocks_ - 1 - i;
  }

  // rows: [n_positions, 2, head_dim] keys and values
  void fill(const RowKernels& kernels, const std::vector<float>& rows) {
    for (std::int32_t p = 0; p < n_positions_; ++p) {
      const float* k = rows.data() + std::int64_t{2} * p * head_dim_;
      store(kernels, p, k, k + head_dim_);
    }
  }
  void store(const RowKernels& kernels, std::int32_t p, const float* k, const float* v) {
    kernels.store_kv(kv_, table_[p / kv_.block_size], p % kv_.block_size, k, v);
  }

  double key(std::int32_t p, std::int32_t d) const {
    const std::int32_t block = block_of(p), offset = p % kv_.block_size;
    const double scale = has_scales(kv_.type) ? kv_.key_scales(block)[offset] : 1.0;
    if (kv_.type == KvType::q4) {
      const std::int32_t row = d % (head_dim_ / 2);
      return scale * level(block, std::int64_t{row} * kv_.block_size + offset, d);
    }
    return scale * element(block, std::int64_t{d} * kv_.block_size + offset);
  }
  double value(std::int32_t p, std::int32_t d) const {
    const std::int32_t block = block_of(p), offset = p % kv_.block_size;
    const double scale = has_scales(kv_.type) ? kv_.value_scales(block)[offset] : 1.0;
    if (kv_.type == KvType::q4) {
      const std::int64_t n_bytes = head_dim_ / 2;
      return scale * level(block, (kv_.block_size + offset) * n_bytes + d % n_bytes, d);
    }
    return scale * element(block, std::int64_t{kv_.block_size + offset} * head_dim_ + d);
  }

  const KvPages& kv() const { return kv_; }
  const std::int32_t* table() const { return table_.data(); }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::int32_t block_of(std::int32_t p) const { return table_[p / kv_.block_size]; }
  // q4: of the two dimensions in byte i, d.
  double level(std::int32_t block, std::int64_t i, std::int32_t d) const {
    const auto pair = static_cast<unsigned>(kv_.pages[block * kv_.block_stride + i]);
    return kQ4Levels[d < head_dim_ / 2 ? pair & 15 : pair >> 4];
  }
  double element(std::int32_t block, std::int64_t i) const {
    const std::byte* page = kv_.pages + block * kv_.block_stride;
    if (kv_.type == KvType::fp8) return e4m3_to_f32(static_cast<std::uint8_t>(page[i]));
    if (kv_.type == KvType::int8) return static_cast<std::int8_t>(page[i]);
    if (kv_.type == KvType::bf16) {
      std::uint16_t half = 0;
      std::memcpy(&half, page + 2 * i, 2);
      return bf16_to_f32(half);
    }
    float value = 0.0f;
    std::memcpy(&value, page + 4 * i, 4);
    return value;
  }

  std::int32_t head_dim_, n_positions_, n_blocks_;
  std::vector<std::int32_t> table_;
  std::vector<std::byte> bytes_;
  KvPages kv_;
};

// As the backend picks it for such pages.
AttentionKernels attention_of(const RowKernels& kernels, const PagedRows& rows) {
  return attention_for(kernels.attention, rows.kv().type, rows.kv().block_size, rows.kv().head_dim);
}

// A window and its sinks; with 100 of them some tokens see them apart, and some not.
struct Span {
  std::int32_t window, sinks;
};

// Random queries of n_tokens tokens and a place for what becomes of them.
struct Queries {
  Queries(std::int32_t n_tokens, std::int32_t n_heads, std::int32_t head_dim)
      : width(std::int64_t{n_heads} * head_dim),
        q(random_floats(n_tokens * width, 53, 2.0f)),
        sink_q(random_floats(n_tokens * width, 54, 2.0f)),
        out(q.size()),
        scratch(attention_scratch_floats(n_tokens * n_heads, head_dim)),
        all{q.data(), out.data(), width, width, n_tokens, n_heads, 0, 0, 0, sink_q.data()} {}
  Queries(const Queries&) = delete;
  Queries& operator=(const Queries&) = delete;

  void at(std::int32_t position, std::int32_t window, std::int32_t sinks = 0) {
    all.position = position;
    all.window = window;
    all.sinks = sinks;
    std::fill(out.begin(), out.end(), 1e30f);
  }
  const std::vector<float>& run(const RowKernels& kernels, const PagedRows& rows) {
    attention_of(kernels, rows).attend(all, rows.kv(), rows.table(), 0.125f, scratch.data());
    return out;
  }
  // In tasks of `run` segments, the last one first.
  const std::vector<float>& run_split(const RowKernels& kernels, const PagedRows& rows,
                                      std::int32_t run) {
    const AttentionKernels attention = attention_of(kernels, rows);
    const std::int32_t first = all.first_segment(), end = all.end_segment();
    std::vector<float> partials((end - first) * std::int64_t{all.n_queries()} *
                                    attention_partial_floats(rows.kv().head_dim),
                                std::numeric_limits<float>::quiet_NaN());
    for (std::int32_t s = first + (end - first - 1) / run * run; s >= first; s -= run) {
      attention.make_partials(all, rows.kv(), rows.table(), 0.125f, s, std::min(s + run, end),
                              partials.data(), scratch.data());
    }
    attention.merge_partials(all, rows.kv(), partials.data(), scratch.data());
    return out;
  }

  std::int64_t width;
  std::vector<float> q, sink_q, out, scratch;
  AttentionQueries all;
};

bool same_bits(const float* a, const float* b, std::int64_t n) {
  return std::equal(a, a + n, b, [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  });
}

class Attention : public EveryIsa {};

TEST_P(Attention, AgreesWithScalarAndWithEachTokenAlone) {
  for (const KvType type : kTypes) {
    for (const std::int32_t n_heads : {1, 2, 3, 7}) {
      constexpr std::int32_t kHeadDim = 64, kPositions = 600, kTokens = 5;
      const std::vector<float> values = random_floats(2 * kPositions * kHeadDim, 47);
      PagedRows rows(type, kHeadDim, 16, kPositions), want_rows(type, kHeadDim, 16, kPositions);
      rows.fill(kernels_, values);
      want_rows.fill(scalar_, values);
      EXPECT_EQ(rows.bytes(), want_rows.bytes());
      Queries got(kTokens, n_heads, kHeadDim), want(kTokens, n_heads, kHeadDim);
      for (const std::int32_t position : {0, 1, 7, 8, 253, 255, 256, 257, 595}) {
        for (const auto& [window, sinks] :
             {Span{0, 0}, Span{1, 0}, Span{3, 0}, Span{100, 0}, Span{300, 0}, Span{1, 1},
              Span{3, 4}, Span{100, 157}, Span{300, 4}, Span{300, 256}}) {
          got.at(position, window, sinks);
          want.at(position, window, sinks);
          // Sums over up to 600 positions and 64 dimensions, scores of size ~4 in the exponent.
          expect_close(got.run(kernels_, rows), want.run(scalar_, rows), 256, "attention");
          for (std::int32_t t = 0; t < kTokens; ++t) {
            AttentionQueries one = got.all;
            std::vector<float> alone(got.width);
            one.q += t * got.width;
            one.sink_q += t * got.width;
            one.out = alone.data();
            one.n_tokens = 1;
            one.position += t;
            attention_of(kernels_, rows)
                .attend(one, rows.kv(), rows.table(), 0.125f, got.scratch.data());
            ASSERT_TRUE(same_bits(alone.data(), got.out.data() + t * got.width, got.width))
                << "token " << t << " from " << position << ", window " << window << " and "
                << sinks;
          }
        }
      }
    }
  }
}

// Whoever makes the partials of whatever segments, the bits are those of one call.
TEST_P(Attention, SplitIsUnsplit) {
  struct Shape {
    std::int32_t head_dim, block_size, n_tokens, n_heads;
  };
  constexpr std::int32_t kPositions = 800;
  for (const KvType type : kTypes) {
    for (const Shape& shape : {Shape{64, 16, 1, 3}, Shape{128, 32, 1, 6}, Shape{64, 16, 5, 3},
                               Shape{24, 8, 16, 2}, Shape{16, 32, 16, 1}, Shape{20, 12, 5, 3}}) {
      PagedRows rows(type, shape.head_dim, shape.block_size, kPositions);
      rows.fill(kernels_, random_floats(std::size_t{2} * kPositions * shape.head_dim, 47));
      Queries whole(shape.n_tokens, shape.n_heads, shape.head_dim);
      Queries split(shape.n_tokens, shape.n_heads, shape.head_dim);
      for (const std::int32_t position : {0, 255, 256, 511, 780}) {
        for (const auto& [window, sinks] :
             {Span{0, 0}, Span{256, 0}, Span{300, 0}, Span{256, 4}, Span{8, 250}}) {
          whole.at(position, window, sinks);
          const std::vector<float>& want = whole.run(kernels_, rows);
          for (const std::int32_t run : {1, 3}) {
            split.at(position, window, sinks);
            const std::vector<float>& got = split.run_split(kernels_, rows, run);
            ASSERT_TRUE(same_bits(want.data(), got.data(), static_cast<std::int64_t>(want.size())))
                << name(type) << ", head_dim " << shape.head_dim << ", position " << position
                << ", window " << window << " and " << sinks << ", " << run << " segments a task";
          }
        }
      }
    }
  }
}

// Pages that do not fill a table's registers go to its fallback, down to scalar.
TEST_P(Attention, TakesPagesOfAnySize) {
  struct Shape {
    std::int32_t head_dim, block_size, page_multiple,
        of_q4;  // whose rows of values are half as long
  };
  constexpr std::int32_t kPositions = 300;
  for (const KvType type : kTypes) {
    for (const Shape& shape :
         {Shape{48, 16, 16, 8}, Shape{48, 24, 8, 8}, Shape{40, 16, 8, 1}, Shape{64, 16, 16, 16},
          Shape{48, 12, 1, 1}, Shape{20, 16, 1, 1}, Shape{20, 12, 1, 1}}) {
      PagedRows rows(type, shape.head_dim, shape.block_size, kPositions);
      PagedRows want_rows(type, shape.head_dim, shape.block_size, kPositions);
      const std::int32_t multiple = type == KvType::q4 ? shape.of_q4 : shape.page_multiple;
      EXPECT_EQ(attention_of(kernels_, rows).page_multiple,
                std::min(multiple, kernels_.attention.page_multiple));
      const std::vector<float> values =
          random_floats(std::size_t{2} * kPositions * shape.head_dim, 47);
      rows.fill(kernels_, values);
      want_rows.fill(scalar_, values);
      EXPECT_EQ(rows.bytes(), want_rows.bytes());
      Queries got(5, 3, shape.head_dim), want(5, 3, shape.head_dim);
      got.at(290, 0);
      want.at(290, 0);
      expect_close(got.run(kernels_, rows), want.run(scalar_, want_rows), 256, "attention");
    }
  }
}

// What a token sees, in float64 from the elements that the pages hold.
void attend_in_float64(const Queries& queries, const PagedRows& rows, std::vector<float>& out) {
  const AttentionQueries& all = queries.all;
  const std::int32_t head_dim = rows.kv().head_dim;
  out.assign(queries.out.size(), 0.0f);
  for (std::int32_t i = 0; i < all.n_queries(); ++i) {
    const std::int32_t end = all.position + all.token_of(i) + 1;
    std::vector<double> weights(end), sums(head_dim);
    double max = -std::numeric_limits<double>::infinity(), sum = 0;
    for (std::int32_t p = 0; p < end; ++p) {
      const bool in_window = all.window == 0 || end - p <= all.window;
      const bool apart = end > all.window + all.sinks;  // else the sinks are in the window's reach
      const std::vector<float>& from = in_window || !apart ? queries.q : queries.sink_q;
      weights[p] = -std::numeric_limits<double>::infinity();
      if (!in_window && p >= all.sinks) continue;
      double dot = 0;
      for (std::int32_t d = 0; d < head_dim; ++d)
        dot += from[std::int64_t{i} * head_dim + d] * rows.key(p, d);
      weights[p] = 0.125 * dot;
      max = std::max(max, weights[p]);
    }
    for (std::int32_t p = 0; p < end; ++p) {
      const double weight = std::exp(weights[p] - max);
      sum += weight;
      for (std::int32_t d = 0; d < head_dim; ++d) sums[d] += weight * rows.value(p, d);
    }
    for (std::int32_t d = 0; d < head_dim; ++d)
      out[std::int64_t{i} * head_dim + d] = static_cast<float>(sums[d] / sum);
  }
}

TEST_P(Attention, AgreesWithFloat64) {
  constexpr std::int32_t kHeadDim = 64, kPositions = 1100;
  for (const KvType type : kTypes) {
    PagedRows rows(type, kHeadDim, 32, kPositions);
    rows.fill(kernels_, random_floats(2 * kPositions * kHeadDim, 61));
    Queries queries(2, 3, kHeadDim);
    std::vector<float> want;
    for (const std::int32_t position : {0, 255, 511, 512, 1098}) {
      for (const auto& [window, sinks] : {Span{0, 0}, Span{300, 0}, Span{600, 0}, Span{300, 4},
                                          Span{100, 256}, Span{252, 4}, Span{508, 4}}) {
        queries.at(position, window, sinks);
        attend_in_float64(queries, rows, want);
        // As against the scalar table: the scores' 64 additions, times scores of ~4.
        expect_close(queries.run(kernels_, rows), want, 256, "attention, float64");
      }
    }
  }
}

// A NaN must reach the logits, where the engine looks for it.
TEST_P(Attention, WhatIsNotANumberStaysSeen) {
  const std::int32_t head_dim = 16, block_size = 8, n_positions = 300, n_tokens = 7;
  const std::vector<float> row = random_floats(head_dim, 3);
  const std::vector<float> bad(head_dim, std::numeric_limits<float>::quiet_NaN());
  for (const KvType type : kTypes) {
    PagedRows rows(type, head_dim, block_size, n_positions);
    Queries queries(n_tokens, 1, head_dim);  // each sees one position more than the one before
    for (const std::int32_t poisoned : {0, 5, 255, 256, 299}) {
      for (std::int32_t p = 0; p < n_positions; ++p) {
        const float* kv_row = p == poisoned ? bad.data() : row.data();
        rows.store(kernels_, p, kv_row, kv_row);
      }
      for (std::int32_t first : {poisoned - 3, poisoned, n_positions - n_tokens}) {
        first = std::clamp(first, 0, n_positions - n_tokens);
        for (const bool split : {false, true}) {
          queries.at(first, 0);
          const std::vector<float>& out =
              split ? queries.run_split(kernels_, rows, 1) : queries.run(kernels_, rows);
          for (std::int32_t i = 0; i < n_tokens * head_dim; ++i) {
            const std::int32_t position = first + i / head_dim;
            ASSERT_EQ(std::isnan(out[i]), position >= poisoned)
                << "attention of " << position << " over " << poisoned;
          }
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, Attention, testing::ValuesIn(available_isas()),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace tinyllm

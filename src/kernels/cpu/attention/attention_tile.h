#pragma once
// A tile of queries over one segment of K/V pages: scores, softmax, sums of values. The queries of
// a tile share every load of keys and values. Results are partials (layout/attention_queries.h).
//
// V is a struct of vector functions that each instruction set defines in its attention.cpp:
//   kLanes   floats of a register
//   kGroup   positions that are loaded side by side from one page; divides KvPages::block_size
//   kTile    queries of a tile
//   kSums    registers for sums: queries x registers of positions, or of dimensions

#include "kernels/cpu/attention/kv_elements.h"
#include "kernels/cpu/layout/attention_queries.h"

namespace tinyllm::paged {

// One query of a tile and what it sees of the segment, [begin, end).
struct TileQuery {
  const float* q;  // [head_dim] f32
  float* partial;  // of attention_partial_floats
  std::int32_t begin, end;

  bool sees_any() const { return begin < end; }
};

// What all tiles and segments of a call have in common. E: the number format of the pages.
template <typename E>
struct Pages {
  using Element = E;
  const KvPages& kv;
  const std::int32_t* block_table;
  float scale;
  float* scores;  // [tile, kAttentionSegment] f32: scores, then weights

  const byte* key(std::int32_t p) const {
    return key_at<Element>(kv, block_table[p / kv.block_size], p % kv.block_size);
  }
  const byte* value(std::int32_t p) const {
    return value_at<Element>(kv, block_table[p / kv.block_size], p % kv.block_size);
  }
};

// A segment as far as any query of the tile sees it. While scores are made its values are fetched;
// while values are summed, the keys of the next segment.
struct Segment {
  std::int32_t begin, end;  // positions
  std::int32_t fetch_end;   // where the keys to fetch end; 0: nothing is fetched
};

// The largest power of two of at most n_sums / kQueries, and at most n_most.
template <int kQueries>
constexpr int share_of(int n_sums, int n_most) {
  int n = 1;
  while (2 * n * kQueries <= n_sums && 2 * n <= n_most) n *= 2;
  return n;
}

// Fetches a stream of which each step covers kBytes from `at` on. Every line is asked for once: a
// second request would wait for the first.
template <typename Element, int kBytes>
[[gnu::always_inline]] static inline void fetch_step(const byte* at, std::int32_t step) {
  constexpr int kLine = 64;
  if constexpr (kBytes >= kLine) {
    for (int line = 0; line < kBytes; line += kLine) Element::prefetch(at + line);
  } else if (step % (kLine / kBytes) == 0) {
    Element::prefetch(at);
  }
}

// scores[h][p - begin] = q[h] . K[p] for p in the segment, 16 or 32 at a time. Scores past the end
// or before a query's own begin hold anything. transposed: [head_dim][kQueries] f32.
template <typename V, int kQueries, typename P>
static void score_segment(const float* transposed, const P& pages, const Segment& segment) {
  using Element = typename P::Element;
  constexpr int kRegs = V::kGroup / V::kLanes;
  constexpr int kGroups = share_of<kQueries>(V::kSums / kRegs, 32 / V::kGroup);
  constexpr int kWidth = kGroups * V::kGroup;
  const std::int32_t head_dim = pages.kv.head_dim;
  const std::int64_t stride = std::int64_t{pages.kv.block_size} * Element::kBytes;
  for (std::int32_t p = segment.begin; p < segment.end; p += kWidth) {
    const byte* keys[kGroups];
    for (int g = 0; g < kGroups; ++g) {
      const std::int32_t first = p + g * V::kGroup;
      keys[g] = pages.key(first < segment.end ? first : p);
    }
    const byte* ahead = segment.fetch_end > 0 ? pages.value(p) : keys[0];
    int shift = 0;
    typename V::Floats dots[kQueries][kGroups * kRegs];
#pragma GCC unroll 12
    for (int h = 0; h < kQueries; ++h) {
#pragma GCC unroll 8
      for (int i = 0; i < kGroups * kRegs; ++i) dots[h][i] = V::zero();
    }
    const float* q = transposed;
    for (std::int32_t d = 0; d < head_dim; ++d, q += kQueries) {
      if constexpr (Element::kDims == 1) {
        fetch_step<Element, kWidth * Element::kBytes>(ahead + d * (kWidth * Element::kBytes), d);
      } else if (d == head_dim / 2) {  // the same bytes once more, for their other halves
        for (int g = 0; g < kGroups; ++g) keys[g] -= d * stride;
        shift = 4;
      }
      typename V::Floats key[kGroups * kRegs];
#pragma GCC unroll 8
      for (int i = 0; i < kGroups * kRegs; ++i) {
        key[i] =
            load_as<V, Element>(keys[i / kRegs] + i % kRegs * V::kLanes * Element::kBytes, shift);
      }
      for (int g = 0; g < kGroups; ++g) keys[g] += stride;
#pragma GCC unroll 12
      for (int h = 0; h < kQueries; ++h) {
        const auto value = V::broadcast(q[h]);
#pragma GCC unroll 8
        for (int i = 0; i < kGroups * kRegs; ++i) {
          dots[h][i] = V::fma(value, key[i], dots[h][i]);
          V::pin(dots[h][i]);
        }
      }
    }
#pragma GCC unroll 12
    for (int h = 0; h < kQueries; ++h) {
      float* place = pages.scores + h * kAttentionSegment + (p - segment.begin);
#pragma GCC unroll 8
      for (int i = 0; i < kGroups * kRegs; ++i) V::store(place + i * V::kLanes, dots[h][i]);
    }
  }
}

// scores[h][p - begin] *= the scale of position p, for p in the segment, 8 or 16 at a time.
template <typename V, int kQueries, typename P, typename Scales>
static void scale_positions(const Scales& scales_of, const P& pages, const Segment& segment) {
  const std::int32_t block_size = pages.kv.block_size;
  for (std::int32_t p = segment.begin; p < segment.end; p += V::kGroup) {
    const float* scales = scales_of(pages.block_table[p / block_size]) + p % block_size;
    for (int h = 0; h < kQueries; ++h) {
      float* row = pages.scores + h * kAttentionSegment + (p - segment.begin);
      for (int i = 0; i < V::kGroup; i += V::kLanes)
        V::store(row + i, V::mul(V::load(row + i), V::load(scales + i)));
    }
  }
}

// Scores of [begin, end) become weights; their max and sum go into the partial, whose sums of
// values become 0. In the registers of begin and end, positions outside weigh 0.
template <typename V>
static void softmax(float* scores, std::int32_t begin, std::int32_t end, float scale,
                    float* partial, std::int32_t head_dim) {
  const auto factor = V::broadcast(scale);
  const std::int32_t first = begin / V::kLanes * V::kLanes;
  auto largest = V::broadcast(-__builtin_inff());
  for (std::int32_t i = first; i < end; i += V::kLanes) {
    const auto score = V::keep_inside(V::mul(V::load(scores + i), factor), i, begin, end);
    V::store(scores + i, score);
    largest = V::max(largest, score);
  }
  const float max = V::max_lanes(largest);
  const auto shift = V::broadcast(-max);
  auto weights = V::zero();
  for (std::int32_t i = first; i < end; i += V::kLanes) {
    const auto weight = V::exp(V::add(V::load(scores + i), shift));
    V::store(scores + i, weight);
    weights = V::add(weights, weight);
  }
  for (std::int32_t d = 0; d < head_dim; d += V::kLanes) V::store(partial + d, V::zero());
  partial[head_dim] = max;
  partial[head_dim + 1] = V::sum_lanes(weights);
}

// partial[h][kRegs registers of dimensions from d on] += sum over p in [begin, end) of
// weights[h][p] V[p], p ascending.
template <typename V, int kQueries, int kRegs, typename P>
static void add_columns(const P& pages, const Segment& segment, std::int32_t begin,
                        std::int32_t end, std::int32_t d, const TileQuery* queries) {
  using Element = typename P::Element;
  constexpr int kStep = kRegs * V::kLanes * Element::kBytes;
  const std::int32_t head_dim = pages.kv.head_dim, block_size = pages.kv.block_size;
  typename V::Floats acc[kQueries][kRegs];
#pragma GCC unroll 12
  for (int h = 0; h < kQueries; ++h) {
#pragma GCC unroll 4
    for (int r = 0; r < kRegs; ++r) acc[h][r] = V::load(queries[h].partial + d + r * V::kLanes);
  }
  const std::int64_t row_bytes = std::int64_t{head_dim / Element::kDims} * Element::kBytes;
  std::int32_t at[kRegs];  // bytes from the first register's elements
  int shift[kRegs];
#pragma GCC unroll 4
  for (int r = 0; r < kRegs; ++r) {
    const std::int32_t first = d + r * V::kLanes, n_low = head_dim / Element::kDims;
    shift[r] = first < n_low ? 0 : 4;
    at[r] = Element::kDims == 1 ? r * V::kLanes * Element::kBytes : first % n_low;
  }
  for (std::int32_t p = begin; p < end;) {
    const std::int32_t offset = p % block_size, left = block_size - offset;
    const std::int32_t block_end = end - p < left ? end : p + left;
    const byte* value = pages.value(p);
    if constexpr (Element::kDims == 1) value += std::int64_t{d} * Element::kBytes;
    // A block's keys are as many bytes as its values, so each step over a position can fetch as
    // many bytes of the next segment's keys as it reads of values.
    const std::int32_t next = p - offset + kAttentionSegment;
    const byte* ahead = value;
    if (Element::kDims == 1 && next < segment.fetch_end)
      ahead = pages.key(next) + (std::int64_t{d} * block_size * Element::kBytes + offset * kStep);
    const float* weights = pages.scores + (p - segment.begin);
    for (; p < block_end; ++p, value += row_bytes, ahead += kStep, ++weights) {
      if constexpr (Element::kDims == 1) fetch_step<Element, kStep>(ahead, p);
      typename V::Floats v[kRegs];
#pragma GCC unroll 4
      for (int r = 0; r < kRegs; ++r) v[r] = load_as<V, Element>(value + at[r], shift[r]);
#pragma GCC unroll 12
      for (int h = 0; h < kQueries; ++h) {
        const auto weight = V::broadcast(weights[h * kAttentionSegment]);
#pragma GCC unroll 4
        for (int r = 0; r < kRegs; ++r) {
          acc[h][r] = V::fma(weight, v[r], acc[h][r]);
          V::pin(acc[h][r]);
        }
      }
    }
  }
#pragma GCC unroll 12
  for (int h = 0; h < kQueries; ++h) {
#pragma GCC unroll 4
    for (int r = 0; r < kRegs; ++r) V::store(queries[h].partial + d + r * V::kLanes, acc[h][r]);
  }
}

// The same for all dimensions from d on, with fewer registers where less is left.
template <typename V, int kQueries, int kRegs, typename P>
static void add_rows(const P& pages, const Segment& segment, std::int32_t begin, std::int32_t end,
                     std::int32_t d, const TileQuery* queries) {
  for (; d + kRegs * V::kLanes <= pages.kv.head_dim; d += kRegs * V::kLanes)
    add_columns<V, kQueries, kRegs>(pages, segment, begin, end, d, queries);
  if constexpr (kRegs > 1) add_rows<V, kQueries, kRegs / 2>(pages, segment, begin, end, d, queries);
}

// The same for all dimensions, some positions at a time, which then stay in the L1 cache.
template <typename V, int kQueries, typename P>
static void add_values(const P& pages, const Segment& segment, std::int32_t begin, std::int32_t end,
                       const TileQuery* queries) {
  constexpr std::int32_t kPositions = 64;
  for (std::int32_t p = begin; p < end;) {
    const std::int32_t limit = (p / kPositions + 1) * kPositions;
    const std::int32_t stop = limit < end ? limit : end;
    add_rows<V, kQueries, share_of<kQueries>(V::kSums, 4)>(pages, segment, p, stop, 0, queries);
    p = stop;
  }
}

// Partials of queries that all see some of the segment. Values that only some of them see are added
// for each alone, since a weight of 0 is no protection from a NaN.
template <typename V, int kQueries, typename P>
static void attend_together(const float* transposed, const P& pages, const Segment& segment,
                            const TileQuery* queries) {
  std::int32_t last_begin = segment.begin, first_end = segment.end;
  for (int h = 0; h < kQueries; ++h) {
    if (queries[h].begin > last_begin) last_begin = queries[h].begin;
    if (queries[h].end < first_end) first_end = queries[h].end;
  }
  score_segment<V, kQueries>(transposed, pages, segment);
  if constexpr (P::Element::kScaled) {
    scale_positions<V, kQueries>([&](std::int32_t block) { return pages.kv.key_scales(block); },
                                 pages, segment);
  }
  for (int h = 0; h < kQueries; ++h) {
    softmax<V>(pages.scores + h * kAttentionSegment, queries[h].begin - segment.begin,
               queries[h].end - segment.begin, pages.scale, queries[h].partial, pages.kv.head_dim);
  }
  if constexpr (P::Element::kScaled) {  // of the values: their share of a weight
    scale_positions<V, kQueries>([&](std::int32_t block) { return pages.kv.value_scales(block); },
                                 pages, segment);
  }
  const auto add_alone = [&](int h, std::int32_t begin, std::int32_t end) {
    P one = pages;
    one.scores += h * kAttentionSegment;
    add_values<V, 1>(one, segment, begin, end, queries + h);
  };
  const bool shared = last_begin < first_end;
  for (int h = 0; h < kQueries; ++h)
    add_alone(h, queries[h].begin, shared ? last_begin : queries[h].end);
  if (!shared) return;
  add_values<V, kQueries>(pages, segment, last_begin, first_end, queries);
  for (int h = 0; h < kQueries; ++h) add_alone(h, first_end, queries[h].end);
}

// Partials of the queries of a tile for the segment that begins at segment_begin.
template <typename V, int kQueries, typename P>
static void attend(const float* transposed, const P& pages, std::int32_t segment_begin,
                   std::int32_t fetch_end, const TileQuery* queries) {
  Segment segment = {segment_begin, segment_begin, fetch_end};
  bool all = true;
  for (int h = 0; h < kQueries; ++h) {
    all = all && queries[h].sees_any();
    if (queries[h].end > segment.end) segment.end = queries[h].end;
  }
  if (all) return attend_together<V, kQueries>(transposed, pages, segment, queries);
  if constexpr (kQueries > 1) {
    for (int h = 0; h < kQueries; ++h)  // one query needs no transposing
      attend<V, 1>(queries[h].q, pages, segment_begin, 0, queries + h);
  }
}

template <typename V, int kQueries, typename P>
static void attend_tile(int width, const float* transposed, const P& pages,
                        std::int32_t segment_begin, std::int32_t fetch_end,
                        const TileQuery* queries) {
  if (width == kQueries)
    return attend<V, kQueries>(transposed, pages, segment_begin, fetch_end, queries);
  if constexpr (kQueries > 1)
    attend_tile<V, kQueries - 1>(width, transposed, pages, segment_begin, fetch_end, queries);
}

}  // namespace tinyllm::paged

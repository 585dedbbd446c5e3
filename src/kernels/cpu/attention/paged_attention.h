#pragma once
// Causal attention over K/V pages, once for all instruction sets (V: see attention_tile.h). Each
// segment of positions makes a partial result of its own, and partials merge ascending: flash
// decoding, Dao et al. 2023. So the bits are the same whether one thread made them or several.

#include "kernels/cpu/attention/attention_tile.h"

namespace tinyllm::paged {

// Query i with the part of a segment that it sees, and the place of its partial.
static inline TileQuery tile_query(const AttentionQueries& all, std::int32_t i,
                                   std::int32_t head_dim, std::int32_t segment, float* partial) {
  const SeenPositions seen = all.seen(all.token_of(i), segment);
  return {all.q_of(i, head_dim), partial, seen.begin, seen.end};
}

// acc and partial are partials of one query; acc becomes that of both together.
template <typename V>
static void merge_partial(float* acc, const float* partial, std::int32_t head_dim) {
  const float acc_max = acc[head_dim], max = partial[head_dim];
  const float new_max = acc_max < max ? max : acc_max;  // a NaN makes a factor NaN
  const auto old_factor = V::exp(V::broadcast(acc_max - new_max));
  const auto factor = V::exp(V::broadcast(max - new_max));
  for (std::int32_t d = 0; d < head_dim; d += V::kLanes) {
    const auto old = V::mul(V::load(acc + d), old_factor);
    V::store(acc + d, V::fma(V::load(partial + d), factor, old));
  }
  acc[head_dim] = new_max;
  acc[head_dim + 1] =
      acc[head_dim + 1] * V::first(old_factor) + partial[head_dim + 1] * V::first(factor);
}

// The partial of no position at all, to which others are merged.
template <typename V>
static void begin_partial(float* acc, std::int32_t head_dim) {
  for (std::int32_t d = 0; d < head_dim; d += V::kLanes) V::store(acc + d, V::zero());
  acc[head_dim] = -__builtin_inff();
  acc[head_dim + 1] = 0.0f;
}

// out[d] = acc[d] / sum
template <typename V>
static void finish_partial(const float* acc, float* out, std::int32_t head_dim) {
  const auto inverse = V::broadcast(1.0f / acc[head_dim + 1]);
  for (std::int32_t d = 0; d < head_dim; d += V::kLanes)
    V::store(out + d, V::mul(V::load(acc + d), inverse));
}

// Width of the next tile where n queries are left: passes of nearly equal width.
template <typename V>
static inline std::int32_t tile_width(std::int32_t n) {
  const std::int32_t n_passes = (n + V::kTile - 1) / V::kTile;
  return (n + n_passes - 1) / n_passes;
}

// Tile by tile, [head_dim][queries of the tile] f32: a tile whose first query is i begins at
// transposed + i * head_dim.
template <typename V>
static void transpose_queries(const AttentionQueries& all, std::int32_t head_dim,
                              float* transposed) {
  const std::int32_t n = all.n_queries();
  for (std::int32_t i = 0; i < n;) {
    const std::int32_t width = tile_width<V>(n - i);
    for (std::int32_t j = 0; j < width; ++j) {
      const float* q = all.q_of(i + j, head_dim);
      float* to = transposed + std::int64_t{i} * head_dim + j;
      for (std::int32_t d = 0; d < head_dim; ++d) to[std::int64_t{d} * width] = q[d];
    }
    i += width;
  }
}

// All queries go through one segment after the other, so a segment's keys and values stay in the L2
// cache for all tiles. The partial of query i goes to row partial_row(segment, i) of `partials`; if
// that is null, it is merged into accs[i].
template <typename V, typename Element>
static void run_segments(const AttentionQueries& of_all, const KvPages& kv,
                         const std::int32_t* block_table, float scale, std::int32_t first_segment,
                         std::int32_t end_segment, float* partials, float* accs, float* scratch) {
  static_assert(V::kTile <= kMaxAttentionTile);
  AttentionQueries all = of_all;
  const std::int32_t n = all.n_queries(), head_dim = kv.head_dim;
  const std::int64_t row = attention_partial_floats(head_dim);
  float* transposed = scratch;
  float* tile_partials = transposed + std::int64_t{n} * head_dim;
  const Pages<Element> pages = {kv, block_table, scale, tile_partials + V::kTile * row};
  const std::int32_t seen_end = all.end(all.n_tokens - 1);
  for (std::int32_t segment = first_segment; segment < end_segment; ++segment) {
    const std::int32_t begin = all.segment_begin(segment);
    const bool of_sinks = all.is_of_sinks(segment);
    if (segment == first_segment || of_all.is_of_sinks(segment - 1)) {
      all = of_all.meeting(segment);
      transpose_queries<V>(all, head_dim, transposed);
    }
    for (std::int32_t i = 0; i < n;) {
      const std::int32_t width = tile_width<V>(n - i);
      float* to = tile_partials;
      if (partials != nullptr) to = partials + all.partial_row(segment, i) * row;
      TileQuery queries[V::kTile];
      for (std::int32_t j = 0; j < width; ++j)
        queries[j] = tile_query(all, i + j, head_dim, segment, to + j * row);
      const std::int32_t fetch_end = i == 0 && !of_sinks ? seen_end : 0;
      attend_tile<V, V::kTile>(width, transposed + std::int64_t{i} * head_dim, pages, begin,
                               fetch_end, queries);
      if (partials == nullptr) {
        for (std::int32_t j = 0; j < width; ++j) {
          if (queries[j].sees_any()) merge_partial<V>(accs + (i + j) * row, to + j * row, head_dim);
        }
      }
      i += width;
    }
  }
}

template <typename V>
static void run_segments(const AttentionQueries& all, const KvPages& kv,
                         const std::int32_t* block_table, float scale, std::int32_t first_segment,
                         std::int32_t end_segment, float* partials, float* accs, float* scratch) {
  const auto run = [&](auto element) {
    run_segments<V, decltype(element)>(all, kv, block_table, scale, first_segment, end_segment,
                                       partials, accs, scratch);
  };
  switch (kv.type) {
    case KvType::f32: return run(F32<V>{});
    case KvType::bf16: return run(Bf16<V>{});
    case KvType::int8: return run(Int8<V>{});
    case KvType::fp8: return run(Fp8<V>{});
    case KvType::q4: return run(Q4<V>{});
  }
}

// AttentionKernels::attend
template <typename V>
static void attend_pages(const AttentionQueries& all, const KvPages& kv,
                         const std::int32_t* block_table, float scale, float* scratch) {
  const std::int64_t row = attention_partial_floats(kv.head_dim);
  const std::int32_t n = all.n_queries();
  float* accs = scratch;
  for (std::int32_t i = 0; i < n; ++i) begin_partial<V>(accs + i * row, kv.head_dim);
  run_segments<V>(all, kv, block_table, scale, all.first_segment(), all.end_segment(), nullptr,
                  accs, scratch + n * row);
  for (std::int32_t i = 0; i < n; ++i)
    finish_partial<V>(accs + i * row, all.out_of(i, kv.head_dim), kv.head_dim);
}

// AttentionKernels::make_partials
template <typename V>
static void make_partials(const AttentionQueries& all, const KvPages& kv,
                          const std::int32_t* block_table, float scale, std::int32_t first_segment,
                          std::int32_t end_segment, float* partials, float* scratch) {
  run_segments<V>(all, kv, block_table, scale, first_segment, end_segment, partials, nullptr,
                  scratch);
}

// AttentionKernels::merge_partials
template <typename V>
static void merge_partials(const AttentionQueries& all, const KvPages& kv, const float* partials,
                           float* scratch) {
  const std::int32_t head_dim = kv.head_dim;
  const std::int64_t row = attention_partial_floats(head_dim);
  for (std::int32_t i = 0; i < all.n_queries(); ++i) {
    begin_partial<V>(scratch, head_dim);
    for (std::int32_t segment = all.first_segment(); segment < all.end_segment(); ++segment) {
      if (all.sees(all.token_of(i), segment))
        merge_partial<V>(scratch, partials + all.partial_row(segment, i) * row, head_dim);
    }
    finish_partial<V>(scratch, all.out_of(i, head_dim), head_dim);
  }
}

template <typename V>
static constexpr AttentionKernels kAttentionOf = {.page_multiple = V::kGroup,
                                                  .attend = attend_pages<V>,
                                                  .make_partials = make_partials<V>,
                                                  .merge_partials = merge_partials<V>};

}  // namespace tinyllm::paged

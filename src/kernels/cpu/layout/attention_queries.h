#pragma once
// Attention over K/V pages: query heads over the pages of one K/V head, the segments in which
// positions are taken, the partial results that these make, and the kernels that make them.
// Plain pointers: instruction-set folders include this file.

#include <cstdint>

#include "kernels/cpu/layout/kv_pages.h"

namespace tinyllm {

// Positions of one partial result, anchored at position 0. The order of addition of attention
// depends on this number only.
inline constexpr std::int32_t kAttentionSegment = 256;

// Attention sinks make one partial result of their own, so there are at most so many.
inline constexpr std::int32_t kMaxAttentionSinks = kAttentionSegment;

// Positions [begin, end).
struct SeenPositions {
  std::int32_t begin, end;
};

// Query heads that read one K/V head, of tokens at consecutive positions of one sequence. Query i
// is head i % n_heads of token i / n_heads.
struct AttentionQueries {
  const float* q;           // [n_tokens] of [n_heads, head_dim] f32
  float* out;               // the same shape
  std::int64_t q_stride;    // floats from a token to the next
  std::int64_t out_stride;  // the same for out
  std::int32_t n_tokens;
  std::int32_t n_heads;
  std::int32_t position;  // of the first token
  std::int32_t window;    // a token sees its last so many positions, its own included; 0: all
  std::int32_t sinks;     // with a window: the first so many as well
  const float* sink_q;    // the queries as they meet the sinks, in the layout of q; without: unused

  std::int32_t n_queries() const { return n_tokens * n_heads; }
  // Token t sees the positions [begin, end), and where that leaves out some between them and the
  // sinks, the sinks apart from them.
  std::int32_t end(std::int32_t t) const { return position + t + 1; }
  std::int32_t begin(std::int32_t t) const {
    return window == 0 || end(t) <= window + sinks ? 0 : end(t) - window;
  }
  bool sees_sinks_apart(std::int32_t t) const { return sinks > 0 && begin(t) > 0; }
  // Segments [first, end) hold what some token sees. Segment s: positions [256 s, 256 (s + 1)).
  // Where some token sees the sinks apart, they come first, as a segment of their own.
  std::int32_t first_segment() const {
    return begin(0) / kAttentionSegment - (sees_sinks_apart(n_tokens - 1) ? 1 : 0);
  }
  bool is_of_sinks(std::int32_t segment) const {
    return sees_sinks_apart(n_tokens - 1) && segment == first_segment();
  }
  std::int32_t segment_begin(std::int32_t segment) const {
    return is_of_sinks(segment) ? 0 : segment * kAttentionSegment;
  }
  std::int32_t end_segment() const {
    return (end(n_tokens - 1) + kAttentionSegment - 1) / kAttentionSegment;
  }
  std::int32_t token_of(std::int32_t query) const { return query / n_heads; }
  const float* q_of(std::int32_t query, std::int32_t head_dim) const {
    return q + token_of(query) * q_stride + std::int64_t{query % n_heads} * head_dim;
  }
  float* out_of(std::int32_t query, std::int32_t head_dim) const {
    return out + token_of(query) * out_stride + std::int64_t{query % n_heads} * head_dim;
  }
  // The row of a query's partial for a segment: those of these queries lie segment by segment.
  std::int64_t partial_row(std::int32_t segment, std::int32_t query) const {
    return std::int64_t{segment - first_segment()} * n_queries() + query;
  }
  // What token t sees of a segment. Where it sees nothing, begin >= end.
  SeenPositions seen(std::int32_t t, std::int32_t segment) const {
    if (is_of_sinks(segment)) return {0, sees_sinks_apart(t) ? sinks : 0};
    const std::int32_t first = segment * kAttentionSegment, last = first + kAttentionSegment;
    return {begin(t) > first ? begin(t) : first, end(t) < last ? end(t) : last};
  }
  bool sees(std::int32_t t, std::int32_t segment) const {
    const SeenPositions positions = seen(t, segment);
    return positions.begin < positions.end;
  }
  // The same with the queries that meet this segment.
  AttentionQueries meeting(std::int32_t segment) const {
    AttentionQueries queries = *this;
    if (is_of_sinks(segment)) queries.q = sink_q;
    return queries;
  }
};

// Floats of a partial result, the softmax of one query over one segment before it is divided:
// [head_dim] the sum of exp(score - max) V, then max, then the sum of exp(score - max), then
// padding, which makes an odd number of cache lines where head_dim is a power of two from 32 up.
static inline std::int64_t attention_partial_floats(std::int32_t head_dim) { return head_dim + 16; }

// Queries that a kernel takes through the pages together are at most so many.
inline constexpr std::int32_t kMaxAttentionTile = 12;

// Scratch of the attention entries for calls of at most n_queries.
static inline std::int64_t attention_scratch_floats(std::int32_t n_queries, std::int32_t head_dim) {
  return std::int64_t{n_queries} * (head_dim + attention_partial_floats(head_dim)) +
         kMaxAttentionTile * (kAttentionSegment + attention_partial_floats(head_dim));
}

// The attention of one instruction set: causal, of the query heads that share one K/V head, for
// tokens at consecutive positions.
struct AttentionKernels {
  // block_size and head_dim of the pages that it takes are multiples of this: they fill registers.
  std::int32_t page_multiple;

  // out = softmax(q . K[p] * scale, p in [begin, end) of the token, and its sinks) V.
  // Positions run in segments of 256 anchored at 0. Each makes a partial result from nothing (max,
  // sum of exp, sum of exp times V: Milakov & Gimelshein 2018), and partials merge ascending.
  // scratch: attention_scratch_floats of the queries.
  void (*attend)(const AttentionQueries& queries, const KvPages& kv,
                 const std::int32_t* block_table, float scale, float* scratch);
  // The same in two steps, for several threads (flash decoding, Dao et al. 2023): the partials of
  // segments [first_segment, end_segment) to their rows, and, once all segments of the queries are
  // there, out. The bits are those of `attend`. partials: [segments of the queries, n_queries,
  // attention_partial_floats] f32; the row of a query that sees nothing of a segment is not used.
  void (*make_partials)(const AttentionQueries& queries, const KvPages& kv,
                        const std::int32_t* block_table, float scale, std::int32_t first_segment,
                        std::int32_t end_segment, float* partials, float* scratch);
  void (*merge_partials)(const AttentionQueries& queries, const KvPages& kv, const float* partials,
                         float* scratch);

  // For pages that are no such multiples; null where page_multiple is 1.
  const AttentionKernels* fallback = nullptr;
};

// `kernels`, or the first of its fallbacks that takes such pages.
static inline AttentionKernels attention_for(const AttentionKernels& kernels, KvType type,
                                             std::int32_t block_size, std::int32_t head_dim) {
  const std::int32_t row = type == KvType::q4 ? head_dim / 2 : head_dim;  // of values
  const AttentionKernels* fitting = &kernels;
  while (block_size % fitting->page_multiple != 0 || row % fitting->page_multiple != 0)
    fitting = fitting->fallback;
  return *fitting;
}

}  // namespace tinyllm

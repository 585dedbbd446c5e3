#pragma once
// What an attention kernel is asked: query heads over the K/V pages of one head, the segments in
// which positions are taken, and the partial results that these make.
// Plain pointers: instruction-set folders include this file.

#include <cstdint>

namespace tinyllm {

// Positions of one partial result, anchored at position 0. The order of addition of attention
// depends on this number only (ARCHITECTURE, decision 6).
inline constexpr std::int32_t kAttentionSegment = 256;

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
  std::int32_t window;    // a token sees at most so many positions, its own included; 0: all

  std::int32_t n_queries() const { return n_tokens * n_heads; }
  // Token t sees the positions [begin, end).
  std::int32_t end(std::int32_t t) const { return position + t + 1; }
  std::int32_t begin(std::int32_t t) const {
    return window == 0 || end(t) < window ? 0 : end(t) - window;
  }
  // Segments [first, end) hold what some token sees. Segment s: positions [256 s, 256 (s + 1)).
  std::int32_t first_segment() const { return begin(0) / kAttentionSegment; }
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
  // Of a query's partial for a segment, among all that these queries make.
  std::int64_t partial_row(std::int32_t segment, std::int32_t query) const {
    return std::int64_t{segment - first_segment()} * n_queries() + query;
  }
  bool sees(std::int32_t t, std::int32_t segment) const {
    return begin(t) < (segment + 1) * kAttentionSegment && end(t) > segment * kAttentionSegment;
  }
};

// A partial result, the softmax of one query over one segment before it is divided: [head_dim] f32
// sum of exp(score - max) V, then max and the sum of exp(score - max), then padding to an odd
// number of cache lines where head_dim is a power of two from 32 up.
static inline std::int64_t attention_partial_floats(std::int32_t head_dim) { return head_dim + 16; }

// Queries that a kernel takes through the pages together, at most.
inline constexpr std::int32_t kMaxAttentionTile = 12;

// Scratch of the attention entries for calls of at most n_queries.
static inline std::int64_t attention_scratch_floats(std::int32_t n_queries, std::int32_t head_dim) {
  return std::int64_t{n_queries} * (head_dim + attention_partial_floats(head_dim)) +
         kMaxAttentionTile * (kAttentionSegment + attention_partial_floats(head_dim));
}

}  // namespace tinyllm

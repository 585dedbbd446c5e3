#pragma once
// K/V pages of one layer and K/V head, as the store_kv kernel writes them and the attention kernel
// reads them. Block b begins at pages + b * block_stride: keys [head_dim][block_size], then values
// [block_size][head_dim]. Keys lie transposed so that one register holds a dimension of several
// positions: scores need no sum across. Plain pointers: instruction-set folders include this file.

#include <cstddef>
#include <cstdint>

namespace tinyllm {

struct KvPages {
  std::byte* pages;
  std::int64_t block_stride;  // bytes from a block to the next
  std::int32_t block_size;    // positions, a multiple of 8
  std::int32_t head_dim;      // a multiple of 8
  bool bf16;                  // elements are bf16, else f32
};

// Query heads that read one K/V head, of tokens at consecutive positions of one sequence.
struct AttentionQueries {
  const float* q;           // [n_tokens] of [n_heads, head_dim] f32
  float* out;               // the same shape
  std::int64_t q_stride;    // floats from a token to the next
  std::int64_t out_stride;  // the same for out
  std::int32_t n_tokens;
  std::int32_t n_heads;
  std::int32_t position;  // of the first token
  std::int32_t window;    // a token sees at most so many positions, its own included; 0: all

  std::int32_t end(std::int32_t t) const { return position + t + 1; }
  std::int32_t begin(std::int32_t t) const {
    return window == 0 || end(t) < window ? 0 : end(t) - window;
  }
};

// Positions that one online-softmax step covers, anchored at position 0: the order of addition of
// attention depends on this number only (ARCHITECTURE, decision 6).
inline constexpr std::int32_t kAttentionSegment = 256;

// Queries that an attention kernel takes through the pages together, at most.
inline constexpr std::int32_t kMaxAttentionQueries = 12;

}  // namespace tinyllm

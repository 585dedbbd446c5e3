#pragma once
// Attention of many heads, each with its own keys and values (Vaswani et al. 2017, section 3.2.2).

#include <cstdint>

namespace tinyllm::scalar {

// out[:, h] = attention(q[:, h], k[:, h], v[:, h]) for h in [head_begin, head_end): threads split
// the heads. q, out: [n_queries, n_heads, head_dim] f32. k, v: [n_keys, n_heads, head_dim] f32.
// mask: [n_queries, n_keys] f32 or nullptr. scores: scratch, [n_keys] f32. out overlaps no input.
void multi_head_attention(const float* q, const float* k, const float* v, const float* mask,
                          float* out, float* scores, std::int64_t n_queries, std::int64_t n_keys,
                          std::int64_t n_heads, std::int64_t head_dim, std::int64_t head_begin,
                          std::int64_t head_end);

}  // namespace tinyllm::scalar

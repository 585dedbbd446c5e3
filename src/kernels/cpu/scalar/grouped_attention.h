#pragma once
// Attention of many query heads that share fewer key and value heads (Ainslie et al. 2023, GQA).
// With one K/V head for all it is multi-query attention (Shazeer 2019); with one for each query
// head it is multi-head attention.

#include <cstdint>

namespace tinyllm::scalar {

// Query head h reads K/V head h / (n_heads / n_kv_heads): neighbours share.
// For h in [head_begin, head_end): out[:, h] = attention(q[:, h], k[:, that head], v[:, that
// head]). q, out: [n_queries, n_heads, head_dim] f32. k, v: [n_keys, n_kv_heads, head_dim] f32.
// mask: [n_queries, n_keys] f32 or nullptr. scores: scratch, [n_keys] f32. out overlaps no input.
// n_kv_heads divides n_heads.
void grouped_attention(const float* q, const float* k, const float* v, const float* mask,
                       float* out, float* scores, std::int64_t n_queries, std::int64_t n_keys,
                       std::int64_t n_heads, std::int64_t n_kv_heads, std::int64_t head_dim,
                       std::int64_t head_begin, std::int64_t head_end);

}  // namespace tinyllm::scalar

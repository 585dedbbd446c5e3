#pragma once
// Attention of one head (Vaswani et al. 2017, Attention Is All You Need, section 3.2.1).

#include <cstdint>

namespace tinyllm::scalar {

// score[j] = dot(q[i], k[j]) / sqrt(head_dim) + mask[i][j];  p = softmax(score);
// out[i] = sum over j of p[j] * v[j].
// q, out: [n_queries, head_dim] f32, rows q_stride elements apart (a head is a column slice of all
// heads). k, v: [n_keys, head_dim] f32, rows kv_stride elements apart. mask: [n_queries, n_keys]
// f32, or nullptr for none. scores: scratch, [n_keys] f32. out overlaps no input.
void scaled_dot_product_attention(const float* q, const float* k, const float* v, const float* mask,
                                  float* out, float* scores, std::int64_t n_queries,
                                  std::int64_t n_keys, std::int64_t head_dim, std::int64_t q_stride,
                                  std::int64_t kv_stride);

}  // namespace tinyllm::scalar

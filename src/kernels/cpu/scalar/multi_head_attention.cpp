#include "kernels/cpu/scalar/multi_head_attention.h"

#include "kernels/cpu/scalar/scaled_dot_product_attention.h"

namespace tinyllm::scalar {

void multi_head_attention(const float* q, const float* k, const float* v, const float* mask,
                          float* out, float* scores, std::int64_t n_queries, std::int64_t n_keys,
                          std::int64_t n_heads, std::int64_t head_dim, std::int64_t head_begin,
                          std::int64_t head_end) {
  // >>> attention.multi_head
  const std::int64_t stride = n_heads * head_dim;  // from one token to the next
  for (std::int64_t h = head_begin; h < head_end; ++h) {
    const std::int64_t first = h * head_dim;
    scaled_dot_product_attention(q + first, k + first, v + first, mask, out + first, scores,
                                 n_queries, n_keys, head_dim, stride, stride);
  }
  // <<< attention.multi_head
}

}  // namespace tinyllm::scalar

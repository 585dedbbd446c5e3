#include "kernels/cpu/scalar/grouped_attention.h"

#include "kernels/cpu/scalar/scaled_dot_product_attention.h"

namespace tinyllm::scalar {

void grouped_attention(const float* q, const float* k, const float* v, const float* mask,
                       float* out, float* scores, std::int64_t n_queries, std::int64_t n_keys,
                       std::int64_t n_heads, std::int64_t n_kv_heads, std::int64_t head_dim,
                       std::int64_t head_begin, std::int64_t head_end) {
  // >>> attention.grouped
  const std::int64_t group_size = n_heads / n_kv_heads;
  for (std::int64_t h = head_begin; h < head_end; ++h) {
    const std::int64_t kv_first = h / group_size * head_dim;
    scaled_dot_product_attention(q + h * head_dim, k + kv_first, v + kv_first, mask,
                                 out + h * head_dim, scores, n_queries, n_keys, head_dim,
                                 n_heads * head_dim, n_kv_heads * head_dim);
  }
  // <<< attention.grouped
}

}  // namespace tinyllm::scalar

#include "kernels/cpu/scalar/scaled_dot_product_attention.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/scalar/dot_f32.h"
#include "kernels/cpu/scalar/softmax.h"

namespace tinyllm::scalar {

void scaled_dot_product_attention(const float* q, const float* k, const float* v, const float* mask,
                                  float* __restrict out, float* scores, std::int64_t n_queries,
                                  std::int64_t n_keys, std::int64_t head_dim, std::int64_t q_stride,
                                  std::int64_t kv_stride) {
  // >>> attention.sdpa
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  for (std::int64_t i = 0; i < n_queries; ++i) {
    for (std::int64_t j = 0; j < n_keys; ++j) {
      scores[j] = dot_f32(q + i * q_stride, k + j * kv_stride, head_dim) * scale;
      if (mask != nullptr) scores[j] += mask[i * n_keys + j];
    }
    softmax(scores, n_keys);
    float* out_row = out + i * q_stride;
    std::fill(out_row, out_row + head_dim, 0.0f);
    for (std::int64_t j = 0; j < n_keys; ++j) {
      for (std::int64_t d = 0; d < head_dim; ++d) out_row[d] += scores[j] * v[j * kv_stride + d];
    }
  }
  // <<< attention.sdpa
}

}  // namespace tinyllm::scalar

// Another way to attention.sdpa: one pass over the keys, with a running maximum and a running sum.
// What was gathered so far is scaled down whenever a larger score comes (Milakov & Gimelshein 2018).
#include "kernels/cpu/scalar/scaled_dot_product_attention.h"

#include <cmath>
#include <limits>

void tinyllm::scalar::scaled_dot_product_attention(const float* q, const float* k, const float* v,
                                                   const float* mask, float* out, float* scores,
                                                   std::int64_t n_queries, std::int64_t n_keys,
                                                   std::int64_t head_dim, std::int64_t q_stride,
                                                   std::int64_t kv_stride) {
  for (std::int64_t i = 0; i < n_queries; ++i) {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (std::int64_t d = 0; d < head_dim; ++d) out[i * q_stride + d] = 0;
    for (std::int64_t j = 0; j < n_keys; ++j) {
      double score = 0;
      for (std::int64_t d = 0; d < head_dim; ++d) {
        score += static_cast<double>(q[i * q_stride + d]) * k[j * kv_stride + d];
      }
      score /= std::sqrt(static_cast<double>(head_dim));
      if (mask != nullptr) score += mask[i * n_keys + j];
      if (std::isinf(score)) continue;
      const double shrink = score > largest ? std::exp(largest - score) : 1;
      largest = score > largest ? score : largest;
      const double weight = std::exp(score - largest);
      sum = sum * shrink + weight;
      for (std::int64_t d = 0; d < head_dim; ++d) {
        float& o = out[i * q_stride + d];
        o = static_cast<float>(o * shrink + weight * v[j * kv_stride + d]);
      }
    }
    for (std::int64_t d = 0; d < head_dim; ++d) out[i * q_stride + d] /= static_cast<float>(sum);
  }
}

// Another way to attention.multi_head: nothing is called; each query of each head does its own sums, in double.
#include "kernels/cpu/scalar/multi_head_attention.h"

#include <algorithm>
#include <cmath>

void tinyllm::scalar::multi_head_attention(const float* q, const float* k, const float* v,
                                           const float* mask, float* out, float* scores,
                                           std::int64_t n_queries, std::int64_t n_keys,
                                           std::int64_t n_heads, std::int64_t head_dim,
                                           std::int64_t head_begin, std::int64_t head_end) {
  for (std::int64_t i = 0; i < n_queries; ++i) {
    for (std::int64_t h = head_begin; h < head_end; ++h) {
      const float* query = q + (i * n_heads + h) * head_dim;
      for (std::int64_t j = 0; j < n_keys; ++j) {
        double score = 0;
        for (std::int64_t d = 0; d < head_dim; ++d) {
          score += static_cast<double>(query[d]) * k[(j * n_heads + h) * head_dim + d];
        }
        score /= std::sqrt(static_cast<double>(head_dim));
        scores[j] = static_cast<float>(score + (mask == nullptr ? 0.0f : mask[i * n_keys + j]));
      }
      const double largest = *std::max_element(scores, scores + n_keys);
      for (std::int64_t d = 0; d < head_dim; ++d) {
        double sum = 0, weights = 0;
        for (std::int64_t j = 0; j < n_keys; ++j) {
          const double weight = std::exp(scores[j] - largest);
          weights += weight;
          sum += weight * v[(j * n_heads + h) * head_dim + d];
        }
        out[(i * n_heads + h) * head_dim + d] = static_cast<float>(sum / weights);
      }
    }
  }
}

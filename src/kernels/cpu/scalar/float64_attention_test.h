#pragma once
// Attention of one query in float64, and the rounding bound of the f32 kernels against it.

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/scalar/random_values_test.h"

namespace tinyllm::scalar {

// One head's attention row in float64. q: [head_dim]; rows of k and v are `stride` apart; mask:
// [n_keys] or nullptr.
inline std::vector<double> float64_attention(const float* q, const float* k, const float* v,
                                             const float* mask, std::size_t n_keys,
                                             std::size_t head_dim, std::size_t stride) {
  std::vector<double> weights(n_keys);
  double largest = -INFINITY, sum = 0;
  for (std::size_t j = 0; j < n_keys; ++j) {
    weights[j] =
        float64_dot(q, k + j * stride, head_dim).value / std::sqrt(static_cast<double>(head_dim));
    if (mask != nullptr) weights[j] += mask[j];
    largest = std::max(largest, weights[j]);
  }
  for (double& weight : weights) sum += weight = std::exp(weight - largest);
  std::vector<double> out(head_dim);
  for (std::size_t j = 0; j < n_keys; ++j) {
    for (std::size_t d = 0; d < head_dim; ++d) out[d] += weights[j] / sum * v[j * stride + d];
  }
  return out;
}

// Bound on the error of an attention output. Scores are sums of head_dim products with magnitudes
// of about `score_norm`, so weights are off by 2 (head_dim + 2) eps score_norm relative, and by
// (n_keys + 8) eps from the softmax. The sum of n_keys values of at most `largest_value` adds
// 2 n_keys eps.
inline double attention_tolerance(std::size_t n_keys, std::size_t head_dim, double score_norm,
                                  double largest_value) {
  return (2.0 * static_cast<double>(head_dim + 2) * score_norm + 3.0 * static_cast<double>(n_keys) +
          8.0) *
         kEps * largest_value;
}

}  // namespace tinyllm::scalar

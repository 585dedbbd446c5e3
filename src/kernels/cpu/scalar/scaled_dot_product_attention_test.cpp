#include "kernels/cpu/scalar/scaled_dot_product_attention.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/cpu/scalar/causal_mask.h"
#include "kernels/cpu/scalar/float64_attention_test.h"

namespace tinyllm::scalar {
namespace {

TEST(ScaledDotProductAttention, MatchesFloat64WithAndWithoutMask) {
  struct Case {
    std::size_t n_queries, n_keys, head_dim;
  };
  for (const Case& c : {Case{1, 1, 2}, Case{3, 3, 5}, Case{4, 70, 64}, Case{1, 300, 33}}) {
    for (const bool masked : {false, true}) {
      const std::size_t q_stride = c.head_dim + 3, kv_stride = c.head_dim + 1;
      const std::vector<float> q = random_values(c.n_queries * q_stride, 1);
      const std::vector<float> k = random_values(c.n_keys * kv_stride, 2);
      const std::vector<float> v = random_values(c.n_keys * kv_stride, 3);
      std::vector<float> mask(c.n_queries * c.n_keys), scores(c.n_keys), out(q.size(), -99.0f);
      const auto i64 = [](std::size_t n) { return static_cast<std::int64_t>(n); };
      causal_mask(mask.data(), i64(c.n_queries), i64(c.n_keys));
      scaled_dot_product_attention(q.data(), k.data(), v.data(), masked ? mask.data() : nullptr,
                                   out.data(), scores.data(), i64(c.n_queries), i64(c.n_keys),
                                   i64(c.head_dim), i64(q_stride), i64(kv_stride));
      for (std::size_t i = 0; i < out.size(); ++i) {
        const std::size_t row = i / q_stride, d = i % q_stride;
        if (d >= c.head_dim) {
          EXPECT_EQ(out[i], -99.0f) << "wrote past the head";
          continue;
        }
        const std::vector<double> want = float64_attention(&q[row * q_stride], k.data(), v.data(),
                                                           masked ? &mask[row * c.n_keys] : nullptr,
                                                           c.n_keys, c.head_dim, kv_stride);
        // |q||k| of normal values is about head_dim, the largest of a few thousand values below 5.
        const double score_norm = 3 * std::sqrt(static_cast<double>(c.head_dim));
        expect_close(out[i], want[d], attention_tolerance(c.n_keys, c.head_dim, score_norm, 5.0),
                     i);
      }
    }
  }
}

}  // namespace
}  // namespace tinyllm::scalar

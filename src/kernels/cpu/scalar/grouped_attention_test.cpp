#include "kernels/cpu/scalar/grouped_attention.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/cpu/scalar/causal_mask.h"
#include "kernels/cpu/scalar/float64_attention_test.h"

namespace tinyllm::scalar {
namespace {

TEST(GroupedAttention, NeighbouringQueryHeadsShareAKvHead) {
  constexpr std::size_t kQueries = 4, kKeys = 7, kHeads = 6, kDim = 6, kStride = kHeads * kDim;
  for (const std::size_t n_kv_heads : {1u, 2u, 3u, 6u}) {  // multi-query ... multi-head
    const std::size_t kv_stride = n_kv_heads * kDim;
    const std::vector<float> q = random_values(kQueries * kStride, 1);
    const std::vector<float> k = random_values(kKeys * kv_stride, 2),
                             v = random_values(kKeys * kv_stride, 3);
    std::vector<float> mask(kQueries * kKeys), scores(kKeys), out(q.size(), -99.0f);
    causal_mask(mask.data(), kQueries, kKeys);
    const auto run = [&](std::int64_t begin, std::int64_t end) {
      grouped_attention(q.data(), k.data(), v.data(), mask.data(), out.data(), scores.data(),
                        kQueries, kKeys, kHeads, static_cast<std::int64_t>(n_kv_heads), kDim, begin,
                        end);
    };
    run(0, 4);
    EXPECT_EQ(out[4 * kDim], -99.0f) << "wrote into the next head";
    run(4, 6);
    for (std::size_t i = 0; i < out.size(); ++i) {
      const std::size_t t = i / kStride, h = i % kStride / kDim, d = i % kDim;
      const std::size_t kv_first = h / (kHeads / n_kv_heads) * kDim;
      const std::vector<double> want =
          float64_attention(&q[t * kStride + h * kDim], &k[kv_first], &v[kv_first],
                            &mask[t * kKeys], kKeys, kDim, kv_stride);
      expect_close(out[i], want[d], attention_tolerance(kKeys, kDim, 8.0, 5.0), i);
    }
  }
}

}  // namespace
}  // namespace tinyllm::scalar

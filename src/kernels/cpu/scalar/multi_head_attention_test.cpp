#include "kernels/cpu/scalar/multi_head_attention.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/cpu/scalar/causal_mask.h"
#include "kernels/cpu/scalar/float64_attention_test.h"

namespace tinyllm::scalar {
namespace {

TEST(MultiHeadAttention, EveryHeadSeesItsOwnSlice) {
  constexpr std::size_t kQueries = 5, kKeys = 9, kHeads = 3, kDim = 6, kStride = kHeads * kDim;
  const std::vector<float> q = random_values(kQueries * kStride, 1);
  const std::vector<float> k = random_values(kKeys * kStride, 2),
                           v = random_values(kKeys * kStride, 3);
  std::vector<float> mask(kQueries * kKeys), scores(kKeys), out(q.size(), -99.0f);
  causal_mask(mask.data(), kQueries, kKeys);
  const auto run = [&](std::int64_t begin, std::int64_t end) {
    multi_head_attention(q.data(), k.data(), v.data(), mask.data(), out.data(), scores.data(),
                         kQueries, kKeys, kHeads, kDim, begin, end);
  };
  run(0, 1);
  EXPECT_EQ(out[kDim], -99.0f) << "wrote into the next head";
  run(1, 3);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t t = i / kStride, first = i % kStride / kDim * kDim, d = i % kDim;
    const std::vector<double> want = float64_attention(
        &q[t * kStride + first], &k[first], &v[first], &mask[t * kKeys], kKeys, kDim, kStride);
    expect_close(out[i], want[d], attention_tolerance(kKeys, kDim, 8.0, 5.0), i);
  }
}

}  // namespace
}  // namespace tinyllm::scalar

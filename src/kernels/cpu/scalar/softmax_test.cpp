#include "kernels/cpu/scalar/softmax.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/cpu/scalar/random_values_test.h"

namespace tinyllm::scalar {
namespace {

TEST(Softmax, MatchesFloat64) {
  for (const std::size_t n : {1u, 2u, 9u, 100u, 1000u}) {
    for (const float spread : {0.1f, 3.0f, 40.0f}) {
      const std::vector<float> scores = random_values(n, 6, spread);
      std::vector<float> got = scores;
      softmax(got.data(), static_cast<std::int64_t>(n));
      const double largest = *std::max_element(scores.begin(), scores.end());
      double sum = 0;
      for (const float score : scores) sum += std::exp(score - largest);
      for (std::size_t i = 0; i < n; ++i) {
        const double want = std::exp(scores[i] - largest) / sum;
        // Rounding the difference moves the exponent by |difference| eps; then exp (2 ulp), n
        // additions, an inverse and a product. 1e-45: the smallest subnormal.
        const double relative = (std::abs(scores[i] - largest) + static_cast<double>(n) + 8) * kEps;
        expect_close(got[i], want, relative * want + 1e-45, i);
      }
    }
  }
}

TEST(Softmax, LargeScoresDoNotOverflowAndMaskedOnesVanish) {
  const float infinity = std::numeric_limits<float>::infinity();
  float scores[4] = {1e30f, -infinity, 1e30f, -1e30f};
  softmax(scores, 4);
  EXPECT_EQ(scores[0], 0.5f);
  EXPECT_EQ(scores[1], 0.0f);
  EXPECT_EQ(scores[2], 0.5f);
  EXPECT_EQ(scores[3], 0.0f);
}

}  // namespace
}  // namespace tinyllm::scalar

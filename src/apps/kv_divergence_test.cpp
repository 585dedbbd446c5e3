#include "apps/kv_divergence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/temp_folder_test.h"

namespace tinyllm {
namespace {

TEST(KvDivergence, IsTheSumOverAllTokens) {
  const std::vector<float> p = {0.0f, std::log(3.0f)}, q = {0.0f, 0.0f};  // 1/4, 3/4; 1/2, 1/2
  EXPECT_NEAR(kl_divergence(p, q), 0.25 * std::log(0.5) + 0.75 * std::log(1.5), 1e-6);
  EXPECT_EQ(kl_divergence(p, p), 0);
}

TEST(KvDivergence, LogitsThatAreNoNumbersAreNotTheSame) {
  const std::vector<float> p = {0.0f, 1.0f, 2.0f};
  for (const float broken :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    const std::vector<float> q = {0.0f, broken, 2.0f};
    EXPECT_EQ(kl_divergence(p, q), std::numeric_limits<double>::infinity()) << broken;
    EXPECT_EQ(kl_divergence(q, p), std::numeric_limits<double>::infinity()) << broken;
  }
}

TEST(KvDivergence, TheLogitsOfAllPlacesMustFit) {
  check_divergence_memory(1000, 150'000, 600'000'000);
  const std::string said = testing::error_of(
      ErrorCode::out_of_memory, [] { check_divergence_memory(1000, 150'000, 599'999'999); });
  EXPECT_NE(said.find("1000 places need 0.6 GB"), std::string::npos) << said;
  testing::error_of(ErrorCode::out_of_memory, [] { check_divergence_memory(1, 10, -5); });
}

}  // namespace
}  // namespace tinyllm

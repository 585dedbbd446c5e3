#include "sampling/logprobs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "sampling/sampler.h"

namespace tinyllm {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

TokenLogprobs logprobs_of(const std::vector<float>& logits, SamplingParams params) {
  SamplerWorkspace workspace;
  TokenLogprobs logprobs;
  sample_token(logits, params, {}, {}, 0, workspace, &logprobs);
  return logprobs;
}

// Softmax of log 1, log 5, log 2, log 2 is 1/10, 5/10, 2/10, 2/10.
TEST(Logprobs, RawDistributionWhateverTheSamplerDid) {
  const std::vector<float> logits = {0.0f, std::log(5.0f), std::log(2.0f), std::log(2.0f)};
  const TokenLogprobs got = logprobs_of(
      logits, {.temperature = 0.0f, .logit_bias = {{1, -kInf}, {2, -kInf}}, .n_logprobs = 3});
  EXPECT_EQ(got.drawn.token_id, 3);
  EXPECT_NEAR(got.drawn.logprob, std::log(0.2), 2e-7);
  EXPECT_EQ(got.rank, 3);  // id 2 has the same logit and comes first
  ASSERT_EQ(got.top.size(), 3u);
  EXPECT_EQ(got.top[0].token_id, 1);
  EXPECT_EQ(got.top[1].token_id, 2);
  EXPECT_EQ(got.top[2].token_id, 3);
  EXPECT_NEAR(got.top[0].logprob, std::log(0.5), 2e-7);
}

TEST(Logprobs, AsManyAsAskedForAndThereAre) {
  EXPECT_TRUE(logprobs_of({1.0f, 2.0f}, {.temperature = 0.0f, .n_logprobs = 0}).top.empty());
  EXPECT_EQ(logprobs_of({1.0f, 2.0f}, {.temperature = 0.0f, .n_logprobs = 5}).top.size(), 2u);
}

TEST(Logprobs, OldContentIsReplaced) {
  SamplerWorkspace workspace;
  TokenLogprobs logprobs;
  logprobs.top.resize(7);
  sample_token(std::vector<float>{1.0f, 2.0f}, {.n_logprobs = 1}, {}, {}, 0, workspace, &logprobs);
  ASSERT_EQ(logprobs.top.size(), 1u);
  EXPECT_EQ(logprobs.top[0].token_id, 1);
}

TEST(Logprobs, OddLogits) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  TokenLogprobs got = logprobs_of({nan, 3.0f, -kInf}, {.temperature = 0.0f, .n_logprobs = 3});
  EXPECT_EQ(got.drawn.logprob, 0.0f);
  EXPECT_EQ(got.rank, 1);
  EXPECT_EQ(got.top[1].token_id, 0);
  EXPECT_EQ(got.top[1].logprob, -kInf);
  got = logprobs_of({kInf, 3.0f, kInf}, {.temperature = 0.0f, .n_logprobs = 0});
  EXPECT_NEAR(got.drawn.logprob, std::log(0.5), 2e-7);
  // Nothing possible: id 0, all alike.
  got = logprobs_of({-kInf, -kInf}, {.temperature = 1.0f, .n_logprobs = 0});
  EXPECT_EQ(got.drawn.token_id, 0);
  EXPECT_NEAR(got.drawn.logprob, std::log(0.5), 2e-7);
}

// Against log-softmax in double; the bound is 2^-24 of the logprob plus 2e-7 for the sum.
TEST(Logprobs, EqualDoubleArithmeticOnRandomRows) {
  std::mt19937 random(3);
  for (int i = 0; i < 100; ++i) {
    std::normal_distribution<float> normal(0.0f, 0.5f + static_cast<float>(i % 10));
    std::vector<float> logits(1 + random() % 3000);
    for (float& logit : logits) logit = normal(random);
    double max = logits[0], sum = 0.0;
    for (const float logit : logits) max = std::max<double>(max, logit);
    for (const float logit : logits) sum += std::exp(logit - max);
    const TokenLogprobs got = logprobs_of(logits, {.n_logprobs = static_cast<int>(logits.size())});
    ASSERT_EQ(got.top.size(), logits.size());
    for (std::size_t j = 0; j < got.top.size(); ++j) {
      const double want =
          logits[static_cast<std::size_t>(got.top[j].token_id)] - max - std::log(sum);
      ASSERT_NEAR(got.top[j].logprob, want, 2e-7 + std::abs(want) * 0x1p-24);
      ASSERT_LE(got.top[j].logprob, got.top[j > 0 ? j - 1 : 0].logprob);
    }
    const TokenLogprob& at_rank = got.top[static_cast<std::size_t>(got.rank - 1)];
    EXPECT_EQ(at_rank.token_id, got.drawn.token_id);
    EXPECT_EQ(at_rank.logprob, got.drawn.logprob);
  }
}

}  // namespace
}  // namespace tinyllm

#include "speculative/draft_worth.h"

#include <gtest/gtest.h>

#include <vector>

#include "speculative/guess_trust.h"

namespace tinyllm {
namespace {

TEST(DraftWorth, GainIsTokensForTime) {
  const DraftCosts costs{.plain = 1, .row = 0.1, .draft = 0.4};
  // One draft: 1.5 tokens in 1.5 steps. Two: 1.75 in 2.
  EXPECT_DOUBLE_EQ(draft_gain(0.5, 2, costs), 1.0);
  // Two: 2.71 in 2. Three: 1 + 0.9 + 0.81 + 0.729 in 2.5. More promise less.
  EXPECT_NEAR(draft_gain(0.9, 2, costs), 2.71 / 2, 1e-9);
  EXPECT_NEAR(draft_gain(0.9, 8, costs), 3.439 / 2.5, 1e-9);
  EXPECT_DOUBLE_EQ(draft_gain(0.1, 8, costs), 1.0);  // none at all
  const std::vector<Draft> drafts = {{1, 0.5f}, {2, 0.5f}};
  EXPECT_NEAR(draft_gain(drafts, {.plain = 1, .row = 0.1, .draft = 0}), 1.75 / 1.2, 1e-9);
  EXPECT_DOUBLE_EQ(draft_gain(std::vector<Draft>(), costs), 1.0);
}

TEST(DraftWorth, OneMoreMustRaiseTheRate) {
  const DraftCosts costs{.plain = 1, .row = 0.1, .draft = 0.4};
  EXPECT_TRUE(is_worth_one_more(0.6, 1, 0, costs));   // 1.6 in 1.5 steps against 1 in 1
  EXPECT_FALSE(is_worth_one_more(0.4, 1, 0, costs));  // 1.4 in 1.5
  EXPECT_FALSE(is_worth_one_more(0.6, 1.9, 1, costs));
  EXPECT_TRUE(is_worth_one_more(0.7, 1.9, 1, costs));
}

TEST(GuessTrust, FollowsWhatHappens) {
  GuessTrust trust;
  const float sure = trust.of(0.999f), unsure = trust.of(0.2f);
  EXPECT_GT(sure, unsure);
  for (int i = 0; i < 200; ++i) trust.learn(0.999f, false, 0.1f);
  EXPECT_LT(trust.of(0.999f), 0.05f);
  EXPECT_LT(trust.mean(), 0.05f);
  EXPECT_EQ(trust.of(0.2f), unsure);
}

}  // namespace
}  // namespace tinyllm

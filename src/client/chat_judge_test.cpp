#include "client/chat_judge.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tinyllm {
namespace {

LikelyToken likely(std::string_view text, double probability) {
  return {text, static_cast<float>(std::log(probability))};
}

TEST(ChatJudge, TheShareOfYesCountsAllItsSpellings) {
  const std::vector<LikelyToken> top = {likely("Yes", 0.3), likely(" no", 0.2),
                                        likely("Maybe", 0.2), likely(" yes", 0.15),
                                        likely("yes", 0.15)};
  EXPECT_NEAR(share_of_yes(top), 0.6 / 0.8, 1e-6);
}

TEST(ChatJudge, WhatIsNotInTheListIsAtMostAsLikelyAsItsLast) {
  const std::vector<LikelyToken> no = {likely("No", 0.9), likely("x", 0.1)};
  EXPECT_NEAR(share_of_yes(no), 0.1, 1e-6);
  const std::vector<LikelyToken> neither = {likely("Yesterday", 0.9), likely("none", 0.1)};
  EXPECT_EQ(share_of_yes(neither), 0.5f);
  EXPECT_EQ(share_of_yes({}), 0.5f);
}

}  // namespace
}  // namespace tinyllm

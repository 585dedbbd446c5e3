#include "sampling/token_history.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace tinyllm {
namespace {

std::map<TokenId, int> counted(const TokenHistory& history) {
  std::map<TokenId, int> counts;
  for (const auto& [id, n_outputs] : history.entries()) {
    EXPECT_TRUE(counts.emplace(id, n_outputs).second) << "id " << id << " stands twice";
  }
  return counts;
}

TEST(TokenHistory, CountsTheOutputAndKeepsThePrompt) {
  TokenHistory history;
  std::vector<std::int32_t> places(6, 0);
  history.reset(std::vector<TokenId>{0, 1, 0}, std::vector<TokenId>{2, 1, 2}, places);
  EXPECT_EQ(counted(history), (std::map<TokenId, int>{{0, 0}, {1, 1}, {2, 2}}));
  EXPECT_EQ(history.n_outputs(), 3);
  EXPECT_EQ(places, std::vector<std::int32_t>(6, 0)) << "must be 0 again";
  history.append(0);
  history.append(5);
  EXPECT_EQ(counted(history), (std::map<TokenId, int>{{0, 1}, {1, 1}, {2, 2}, {5, 1}}));
  EXPECT_EQ(history.n_outputs(), 5);
}

// Told at once or token by token, and after another sequence: the same counts.
TEST(TokenHistory, AppendingEqualsResetting) {
  std::mt19937 random(1);
  std::vector<std::int32_t> places(20, 0);
  TokenHistory grown, whole;
  for (int round = 0; round < 50; ++round) {
    std::vector<TokenId> prompt_ids(random() % 10), output_ids(random() % 30);
    for (auto* ids : {&prompt_ids, &output_ids}) {
      for (TokenId& id : *ids) id = static_cast<TokenId>(random() % 20);
    }
    const std::size_t n_first = output_ids.empty() ? 0 : random() % output_ids.size();
    grown.reset(prompt_ids, std::span(output_ids).first(n_first), places);
    for (const TokenId id : std::span(output_ids).subspan(n_first)) grown.append(id);
    whole.reset(prompt_ids, output_ids, places);
    EXPECT_EQ(counted(grown), counted(whole));
    EXPECT_EQ(grown.n_outputs(), whole.n_outputs());
  }
}

TEST(TokenHistoryDeathTest, RefusesAnIdOutsideTheVocabulary) {
  TokenHistory history;
  std::vector<std::int32_t> places(6, 0);
  EXPECT_DEATH(history.reset(std::vector<TokenId>{6}, {}, places), "id 6, vocabulary of 6");
}

}  // namespace
}  // namespace tinyllm

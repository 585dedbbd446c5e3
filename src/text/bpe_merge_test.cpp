#include "text/bpe_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

namespace tinyllm {
namespace {

using testing::ElementsAre;

std::vector<TokenId> merged(std::vector<TokenId> ids, const MergeTable& merges) {
  bpe_merge(ids, merges);
  return ids;
}

// The definition, word for word: one merge a round. O(n^2).
std::vector<TokenId> merged_slowly(std::vector<TokenId> ids, const MergeTable& merges) {
  while (true) {
    const Merge* best = nullptr;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      const Merge* merge = merges.find(ids[i], ids[i + 1]);
      if (merge != nullptr && (best == nullptr || merge->rank < best->rank)) {
        best = merge;
        at = i;
      }
    }
    if (best == nullptr) return ids;
    ids[at] = best->merged_id;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

TEST(BpeMerge, LowestRankGoesFirst) {
  MergeTable merges(3);  // 1 2 3: the later rule would take 1 2, the earlier one takes 2 3
  merges.set(2, 3, {0, 23});
  merges.set(1, 2, {1, 12});
  merges.set(1, 23, {2, 123});
  EXPECT_THAT(merged({1, 2, 3}, merges), ElementsAre(123));
  EXPECT_THAT(merged({1, 2}, merges), ElementsAre(12));
  EXPECT_THAT(merged({2, 1}, merges), ElementsAre(2, 1));
  EXPECT_THAT(merged({}, merges), ElementsAre());
  EXPECT_THAT(merged({7}, merges), ElementsAre(7));
}

TEST(BpeMerge, LeftmostOfEqualPairs) {
  MergeTable merges(1);
  merges.set(1, 1, {0, 11});
  EXPECT_THAT(merged({1, 1, 1}, merges), ElementsAre(11, 1));
  EXPECT_THAT(merged({1, 1, 1, 1, 1}, merges), ElementsAre(11, 11, 1));
}

TEST(BpeMerge, LaterRuleForTheSamePairWins) {
  MergeTable merges(2);
  merges.set(1, 2, {0, 3});
  merges.set(1, 2, {1, 4});
  EXPECT_THAT(merged({1, 2}, merges), ElementsAre(4));
}

TEST(BpeMerge, EqualsTheDefinitionOnRandomRules) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    // Strings of a and b up to 8 long are the tokens, as in a real vocabulary: one id, one text.
    std::vector<std::string> texts = {"a", "b"};
    MergeTable merges(60);
    for (std::int32_t rank = 0; rank < 60; ++rank) {
      const std::size_t left = random() % texts.size(), right = random() % texts.size();
      const std::string text = texts[left] + texts[right];
      const auto known = std::find(texts.begin(), texts.end(), text);
      const auto id = static_cast<TokenId>(known - texts.begin());
      if (known == texts.end()) texts.push_back(text);
      merges.set(static_cast<TokenId>(left), static_cast<TokenId>(right), {rank, id});
    }
    std::vector<TokenId> word(random() % 40);
    for (TokenId& id : word) id = static_cast<TokenId>(random() % 2);
    ASSERT_EQ(merged(word, merges), merged_slowly(word, merges)) << "round " << round;
  }
}

TEST(BpeMerge, LongWordIsNotQuadratic) {
  MergeTable merges(20);  // 1+1 = 2, 2+2 = 3, ...: every token takes part in many merges
  for (TokenId i = 1; i <= 20; ++i) merges.set(i, i, {i, i + 1});
  std::vector<TokenId> word(1 << 20, 1);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THAT(merged(word, merges), ElementsAre(21));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LT(took.count(), 20.0);  // about 0.3 s; a quadratic merge takes hours
}

}  // namespace
}  // namespace tinyllm

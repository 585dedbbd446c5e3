#include "speculative/suffix_drafter.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

Sequence sequence_of(SequenceId id, std::vector<TokenId> prompt, std::vector<TokenId> output,
                     const std::string& salt = "") {
  Sequence sequence;
  sequence.id = id;
  sequence.n_prompt = std::ssize(prompt);
  sequence.token_ids = std::move(prompt);
  sequence.token_ids.insert(sequence.token_ids.end(), output.begin(), output.end());
  sequence.cache_salt = salt;
  sequence.max_total_tokens = 1000;
  return sequence;
}

std::vector<TokenId> proposal(SuffixDrafter& drafter, const Sequence& sequence, int n_most = 5) {
  std::vector<Draft> drafts;
  drafter.propose(sequence, n_most, drafts);
  std::vector<TokenId> ids;
  for (const Draft& draft : drafts) ids.push_back(draft.token_id);
  return ids;
}

TEST(SuffixDrafter, ContinuesWhatThePromptSays) {
  SuffixDrafter drafter;
  const Sequence sequence = sequence_of(1, {1, 2, 3, 4, 5, 6, 7, 8}, {9, 2, 3});
  EXPECT_EQ(proposal(drafter, sequence), (std::vector<TokenId>{4, 5, 6, 7, 8}));
  EXPECT_EQ(proposal(drafter, sequence, 2), (std::vector<TokenId>{4, 5}));
  EXPECT_TRUE(proposal(drafter, sequence_of(2, {1, 2, 3}, {9})).empty());
}

TEST(SuffixDrafter, GoesOnPastTheEndOfAPeriod) {
  SuffixDrafter drafter;
  const Sequence sequence = sequence_of(1, {1}, {5, 6, 7, 5, 6, 7, 5});
  EXPECT_EQ(proposal(drafter, sequence, 7), (std::vector<TokenId>{6, 7, 5, 6, 7, 5, 6}));
}

// A long prompt is read over several steps, so that no other text waits for it.
TEST(SuffixDrafter, ReadsALongPromptOverSeveralSteps) {
  SuffixDrafter drafter;
  std::vector<TokenId> prompt;
  for (TokenId i = 0; i < 5000; ++i) prompt.push_back(i);
  const Sequence sequence = sequence_of(1, prompt, {100, 101, 102});
  EXPECT_TRUE(proposal(drafter, sequence, 2).empty());
  EXPECT_TRUE(proposal(drafter, sequence, 2).empty());
  EXPECT_EQ(proposal(drafter, sequence, 2), (std::vector<TokenId>{103, 104}));
}

TEST(SuffixDrafter, KnowsFinishedAnswersOfTheSameSaltOnly) {
  SuffixDrafter drafter;
  drafter.end(sequence_of(1, {1}, {20, 21, 22, 23}, "alice"));
  EXPECT_EQ(proposal(drafter, sequence_of(2, {1}, {20, 21}, "alice")),
            (std::vector<TokenId>{22, 23}));
  EXPECT_TRUE(proposal(drafter, sequence_of(3, {1}, {20, 21}, "bob")).empty());
}

TEST(SuffixDrafter, TrustsLessWhatWasWrong) {
  SuffixDrafter drafter;
  // "2 3" comes again and again, and each time something else or the same follows.
  const auto confidence_after = [&](SequenceId id, bool same) {
    Sequence sequence = sequence_of(id, {2, 3, 50}, {});
    std::vector<Draft> drafts;
    for (TokenId i = 0; i < 30; ++i) {
      for (const TokenId token_id : {100 + i, 2, 3}) {
        sequence.token_ids.push_back(token_id);
        drafts.clear();
        drafter.propose(sequence, 1, drafts);
      }
      sequence.token_ids.push_back(same ? 50 : 51 + i);
    }
    return drafts.at(0).confidence;
  };
  const float wrong = confidence_after(1, false), right = confidence_after(2, true);
  EXPECT_LT(wrong, 0.05f);
  EXPECT_GT(right, 0.9f);
}

TEST(FinishedTexts, ForgetsTheOldest) {
  FinishedTexts texts(100, 2);
  const auto known = [&](const std::string& salt, const std::vector<TokenId>& text) {
    FinishedTexts::Place place;
    SuffixAutomaton::Match match;
    return texts.follow(salt, text, place, match) != nullptr ? match.length : 0;
  };
  for (TokenId i = 0; i < 30; ++i) {
    std::vector<TokenId> text;
    for (TokenId j = 0; j < 10; ++j) text.push_back(10 * i + j);
    texts.add("", text);
  }
  EXPECT_EQ(known("", {290, 291, 292}), 3);
  EXPECT_EQ(known("", {200, 201, 202}), 3);
  EXPECT_EQ(known("", {0, 1, 2}), 0);
  EXPECT_EQ(known("", {292, 290, 291}), 2);
  texts.add("a", std::vector<TokenId>{1, 2});
  texts.add("b", std::vector<TokenId>{3, 4});  // one salt too many: "" goes
  EXPECT_EQ(known("", {290, 291}), 0);
  EXPECT_EQ(known("b", {3, 4}), 2);
}

// A place that was read in steps, while texts come and go, gives what a new reading gives.
TEST(FinishedTexts, FollowsInSteps) {
  FinishedTexts texts(60, 2);
  FinishedTexts::Place place;
  std::vector<TokenId> running;
  for (TokenId i = 0; i < 200; ++i) {
    running.push_back(i % 13);
    if (i % 5 == 0) texts.add("", std::vector<TokenId>{i % 13, (i + 1) % 13, (i + 2) % 13, 77});
    FinishedTexts::Place fresh;
    SuffixAutomaton::Match in_steps, anew;
    texts.follow("", running, place, in_steps);
    texts.follow("", running, fresh, anew);
    EXPECT_LE(in_steps.length, anew.length);
    EXPECT_GE(in_steps.length, std::min(anew.length, 2));
  }
}

// A long match is kept from step to step, also when its automaton gets full and when other salts
// have automata of their own; a new reading looks at the last tokens only.
TEST(FinishedTexts, KeepsALongMatch) {
  FinishedTexts texts(400, 4);
  std::vector<TokenId> said, other(100, 7);
  for (TokenId i = 0; i < 100; ++i) said.push_back(i);
  texts.add("a", said);
  FinishedTexts::Place place;
  std::vector<TokenId> running;
  for (TokenId i = 0; i < 90; ++i) {
    running.push_back(i);
    if (i == 60) {
      texts.add("b", other);
      for (int j = 0; j < 4; ++j) texts.add("a", other);  // a second automaton of this salt
    }
    SuffixAutomaton::Match match;
    ASSERT_NE(texts.follow("a", running, place, match), nullptr);
    EXPECT_EQ(match.length, i + 1);
  }
}

}  // namespace
}  // namespace tinyllm

#include "speculative/suffix_automaton.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <span>
#include <vector>

namespace tinyllm {
namespace {

using Text = std::vector<TokenId>;

Text random_text(std::mt19937& random, std::size_t n, int n_tokens) {
  Text text;
  while (text.size() < n) {
    if (text.size() > 10 && random() % 8 == 0) {  // repeat a piece
      const std::size_t from = random() % (text.size() - 4), length = 1 + random() % 12;
      for (std::size_t i = 0; i < length && from + i < text.size(); ++i)
        text.push_back(text[from + i]);
    } else {
      text.push_back(static_cast<TokenId>(random() % n_tokens));
    }
  }
  return text;
}

// Plain search: the longest suffix of `text` that ends earlier in `within`, too.
int longest_suffix_in(std::span<const TokenId> text, std::span<const TokenId> within, bool same) {
  for (std::size_t length = text.size() - (same ? 1 : 0); length > 0; --length) {
    const auto suffix = text.last(length);
    for (std::size_t end = length; end <= within.size() - (same ? 1 : 0); ++end) {
      if (std::ranges::equal(within.subspan(end - length, length), suffix))
        return static_cast<int>(length);
    }
  }
  return 0;
}

TEST(SuffixAutomaton, FindsTheLongestRepeatedSuffix) {
  std::mt19937 random(1);
  for (const int n_tokens : {1, 2, 3, 20}) {
    const Text text = random_text(random, 160, n_tokens);
    SuffixAutomaton automaton;
    for (std::size_t i = 0; i < text.size(); ++i) {
      automaton.append(text[i]);
      const auto so_far = std::span(text).first(i + 1);
      ASSERT_EQ(automaton.repeated_suffix().length, longest_suffix_in(so_far, so_far, true))
          << "token " << i << " of " << n_tokens;
    }
  }
}

TEST(SuffixAutomaton, FollowsAnotherTextWhileItGrows) {
  std::mt19937 random(2);
  for (const int n_tokens : {2, 4}) {
    const Text text = random_text(random, 200, n_tokens),
               other = random_text(random, 120, n_tokens);
    SuffixAutomaton automaton;
    SuffixAutomaton::Match match;
    std::size_t n_grown = 0;
    for (std::size_t i = 0; i < other.size(); ++i) {
      for (; n_grown < std::min(text.size(), 2 * i + 5); ++n_grown) automaton.append(text[n_grown]);
      match = automaton.advance(match, other[i]);
      // What was not in the text yet when the match was made may be missing: never too long a
      // match, and the right one whenever the text did not grow.
      const int want =
          longest_suffix_in(std::span(other).first(i + 1), std::span(text).first(n_grown), false);
      ASSERT_LE(match.length, want) << i;
      if (n_grown == text.size() && i > 110) {
        ASSERT_EQ(match.length, want) << i;
      }
    }
  }
}

TEST(SuffixAutomaton, TellsTheLikeliestNextTokenAndItsShare) {
  SuffixAutomaton automaton;
  for (const TokenId token_id : {1, 2, 7, 1, 2, 8, 1, 2, 8, 1, 2}) automaton.append(token_id);
  const auto match = automaton.repeated_suffix();
  EXPECT_EQ(match.length, 5);  // 1 2 8 1 2, which overlaps itself
  const auto next = automaton.likeliest_next(automaton.advance(automaton.advance({}, 1), 2));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->token_id, 8);
  EXPECT_FLOAT_EQ(next->share, 2.0f / 3);
  EXPECT_EQ(next->match.length, 3);
  EXPECT_FALSE(automaton.likeliest_next({}));
}

// The counts of every context of up to three tokens are those of a plain count.
TEST(SuffixAutomaton, CountsWhatFollowed) {
  std::mt19937 random(3);
  const Text text = random_text(random, 300, 5);
  SuffixAutomaton automaton;
  for (const TokenId token_id : text) automaton.append(token_id);
  for (std::size_t length = 1; length <= 3; ++length) {
    std::map<Text, std::map<TokenId, int>> followed;
    for (std::size_t i = length; i < text.size(); ++i)
      ++followed[Text(text.begin() + static_cast<std::ptrdiff_t>(i - length),
                      text.begin() + static_cast<std::ptrdiff_t>(i))][text[i]];
    for (const auto& [context, counts] : followed) {
      SuffixAutomaton::Match match;
      for (const TokenId token_id : context) match = automaton.advance(match, token_id);
      ASSERT_EQ(match.length, static_cast<int>(length));
      const auto next = automaton.likeliest_next(match);
      ASSERT_TRUE(next);
      int total = 0, most = 0;
      for (const auto& [token_id, n] : counts) {
        total += n;
        most = std::max(most, n);
      }
      EXPECT_EQ(counts.at(next->token_id), most);
      EXPECT_NEAR(next->share, static_cast<float>(most) / static_cast<float>(total), 1e-6);
    }
  }
}

// No text makes it slow: one token again and again once took a hundred times as long as any tokens.
TEST(SuffixAutomaton, OneTokenAgainAndAgainTakesNoLongerThanAnyTokens) {
  const auto best_time = [](int n_tokens) {
    auto best = std::chrono::nanoseconds::max();
    for (int i = 0; i < 3; ++i) {
      std::mt19937 random(1);
      SuffixAutomaton automaton;
      const auto begin = std::chrono::steady_clock::now();
      for (int j = 0; j < 20000; ++j) automaton.append(static_cast<TokenId>(random() % n_tokens));
      best = std::min(best, std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin));
    }
    return best;
  };
  EXPECT_LT(best_time(1), 10 * best_time(150000));
}

}  // namespace
}  // namespace tinyllm

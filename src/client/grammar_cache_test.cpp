#include "client/grammar_cache.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "grammar/matcher.h"
#include "text/model_text.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {
namespace {

ModelText letters() {
  TokenizerSpec spec;
  spec.source = "letters";
  for (char c = 'a'; c <= 'z'; ++c) spec.tokens.emplace_back(1, c);
  spec.tokens.emplace_back("<end>");
  spec.pretokenizer = *pretokenizer_stages("gpt2");
  ModelText text;
  text.tokenizer.emplace(std::move(spec));
  text.defaults.stop_token_ids = {26};
  return text;
}

GrammarSource regex(const std::string& pattern) { return {GrammarKind::regex, pattern}; }

TEST(GrammarCache, TheSameSourceIsCompiledOnce) {
  const ModelText text = letters();
  GrammarCache cache(text);
  const auto first = cache.get(regex("ab"));
  EXPECT_EQ(cache.get(regex("ab")), first);
  EXPECT_NE(cache.get(regex("ac")), first);
  EXPECT_NE(cache.get({GrammarKind::gbnf, "root ::= \"ab\""}), first);
  EXPECT_EQ(cache.get(regex("ac"))->vocabulary, first->vocabulary);
  // Sources that are different stay so when they are put into one key.
  EXPECT_NE(cache.get({GrammarKind::choice, "", {"a", "b1:c"}}),
            cache.get({GrammarKind::choice, "", {"a1:b", "c"}}));
  GrammarSource thinking = regex("ab");
  thinking.thinking = GrammarThinking{.begins = {"a"}, .ends = {"b"}};
  GrammarSource begun = thinking;
  begun.thinking->has_begun = true;
  EXPECT_NE(cache.get(thinking), first);
  EXPECT_NE(cache.get(thinking), cache.get(begun));
  Matcher matcher(first->grammar, first->vocabulary);
  EXPECT_EQ(matcher.forced_token(), 0);
  EXPECT_TRUE(matcher.accept(0) && matcher.accept(1) && matcher.accept(26));
}

TEST(GrammarCache, TheLeastRecentlyUsedGoFirst) {
  const ModelText text = letters();
  GrammarCache cache(text, 3);
  const auto a = cache.get(regex("a")), b = cache.get(regex("b"));
  cache.get(regex("c"));
  EXPECT_EQ(cache.get(regex("a")), a);
  cache.get(regex("d"));
  EXPECT_EQ(cache.n_grammars(), 3u);
  EXPECT_EQ(cache.get(regex("a")), a);
  EXPECT_NE(cache.get(regex("b")), b);  // compiled again; who holds the old one keeps it

  GrammarCache small(text, 100, 50000);  // bytes
  for (int i = 0; i < 50; ++i) small.get(regex("x{" + std::to_string(100 + i) + "}"));
  EXPECT_LT(small.n_grammars(), 50u);
  EXPECT_GT(small.n_grammars(), 0u);
}

TEST(GrammarCache, WhatIsRefusedIsNotKept) {
  const ModelText text = letters();
  GrammarCache cache(text);
  EXPECT_THROW(cache.get(regex("(a)\\1")), GrammarRefusal);
  EXPECT_THROW(cache.get(regex("(a)\\1")), GrammarRefusal);
  EXPECT_EQ(cache.n_grammars(), 0u);
}

TEST(GrammarCache, ManyThreadsAtOnce) {
  const ModelText text = letters();
  GrammarCache cache(text, 4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 50; ++i) {
        const auto constraint = cache.get(regex("a" + std::string((i * 7 + t) % 6, 'b')));
        Matcher matcher(constraint->grammar, constraint->vocabulary);
        EXPECT_EQ(matcher.forced_token(), 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.n_grammars(), 4u);
}

}  // namespace
}  // namespace tinyllm

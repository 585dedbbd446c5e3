#include "cache/kv_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace tinyllm {
namespace {

using Tokens = std::vector<std::int32_t>;

std::vector<BlockId> blocks_of(const PrefixMatch& match) {
  std::vector<BlockId> blocks;
  for (const PrefixCache::Hit& hit : match.hits) blocks.push_back(hit.block);
  return blocks;
}

TEST(KvBlocks, AMatchLeavesOneTokenToCompute) {
  KvBlocks blocks({.kv = {.block_size = 4, .n_blocks = 8}, .secret = 1});
  const Tokens tokens = {1, 2, 3, 4, 5, 6, 7, 8};
  BlockTable table;
  PrefixMatch none;
  blocks.update(none, tokens, "");
  EXPECT_EQ(blocks.start(table, none), 0);
  ASSERT_TRUE(blocks.grow(table, 8));
  blocks.register_full(table, tokens, 8);
  PrefixMatch match;
  blocks.update(match, tokens, "");
  EXPECT_EQ(match.hits.size(), 1u);  // 8 would leave no token
  EXPECT_EQ(blocks.n_taken(match, 8), 1);
  PrefixMatch of_others;
  blocks.update(of_others, tokens, "salt");
  EXPECT_TRUE(of_others.hits.empty());
}

PrefixGap gap_of(const KvBlocks& blocks, const Tokens& tokens, const char* salt = "") {
  PrefixMatch match;
  blocks.update(match, tokens, salt);
  const EntryId last = match.hits.empty() ? match.root : match.hits.back().entry;
  return blocks.gap_behind(last, std::ssize(match.hits) * blocks.block_size(), tokens);
}

TEST(KvBlocks, TheGapIsWhereTheNearestTextDiffers) {
  using Why = PrefixGap::Why;
  KvBlocks blocks({.kv = {.block_size = 4, .n_blocks = 8}, .secret = 1});
  std::vector<BlockTable> tables;
  const auto keep = [&](const Tokens& tokens) {
    BlockTable& table = tables.emplace_back();
    PrefixMatch match;
    blocks.update(match, tokens, "");
    blocks.start(table, match);
    ASSERT_TRUE(blocks.grow(table, std::ssize(tokens)));
    blocks.register_full(table, tokens, std::ssize(tokens));
  };
  keep({1, 2, 3, 4, 5, 6, 7, 8, 9});
  keep({1, 2, 3, 4, 5, 9, 9, 9, 9});
  const auto expect = [&](const Tokens& tokens, Why why, std::int64_t n_common,
                          const char* salt = "") {
    const PrefixGap gap = gap_of(blocks, tokens, salt);
    EXPECT_EQ(gap.why, why) << name(gap.why);
    EXPECT_EQ(gap.n_common, n_common);
  };
  expect({1, 2, 3, 4, 5, 6, 7, 0, 0}, Why::differs, 7);  // the nearer one of two
  expect({1, 2, 3, 4, 5, 0, 0, 0, 0}, Why::differs, 5);
  expect({1, 2, 0, 4, 5, 6, 7, 8, 9}, Why::differs, 2);
  expect({0, 2, 3, 4, 5, 6, 7, 8, 9}, Why::differs, 0);
  expect({1, 2, 3, 4, 5, 6, 7, 8, 9}, Why::whole, 8);
  expect({1, 2, 3, 4}, Why::whole, 0);
  expect({1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 9}, Why::unknown, 8);
  expect({1, 2, 3, 4, 5, 6, 7, 0, 0}, Why::unknown, 0, "salt");  // of others nothing is told
}

TEST(KvBlocks, AGapOfAWindowWhoseMemoryIsGone) {
  KvBlocks blocks({.kv = {.block_size = 2, .n_blocks = 4}, .secret = 1, .window = 3, .sinks = 1});
  const Tokens tokens = {1, 2, 3, 4, 5, 6, 7};
  BlockTable table;
  PrefixMatch none;
  blocks.update(none, tokens, "");
  blocks.start(table, none);
  ASSERT_TRUE(blocks.grow(table, 7));
  blocks.register_full(table, tokens, 7);
  blocks.release(table);
  BlockTable other;
  PrefixMatch of_other;
  const Tokens others = {9, 9, 9, 9, 9, 9, 9, 9};
  blocks.update(of_other, others, "");
  blocks.start(other, of_other);
  ASSERT_TRUE(blocks.grow(other, 8));  // takes all blocks
  const PrefixGap gap = gap_of(blocks, tokens);
  EXPECT_EQ(gap.why, PrefixGap::Why::given_away) << name(gap.why);
  EXPECT_EQ(gap.n_common, 2);
}

// Prompts wait while others come, register, and lose their blocks: a match that is kept up to date
// is the one that a fresh look finds, and what it says it takes is what it takes.
void keep_matches_up_to_date(std::int64_t window, std::int64_t sinks) {
  std::mt19937 random(7);
  KvBlocks blocks(
      {.kv = {.block_size = 2, .n_blocks = 24}, .secret = 5, .window = window, .sinks = sinks});
  const auto random_tokens = [&] {
    Tokens tokens(1 + random() % 20);
    for (std::int32_t& token : tokens) token = random() % 6 == 0 ? 1 : 0;
    return tokens;
  };
  struct Waiting {
    Tokens tokens = {};
    PrefixMatch match = {};
  };
  std::vector<Waiting> waiting;
  std::vector<BlockTable> running;
  int n_hits = 0, n_shrunk = 0;
  for (int step = 0; step < 20000; ++step) {
    if (waiting.size() < 6) waiting.push_back({random_tokens()});
    for (Waiting& one : waiting) {
      const std::size_t n_before = one.match.hits.size();
      if (random() % 8 == 0 && one.tokens.size() < 40)
        one.tokens.push_back(0);  // a preempted text has grown
      blocks.update(one.match, one.tokens, "");
      PrefixMatch fresh;
      blocks.update(fresh, one.tokens, "");
      ASSERT_EQ(blocks_of(one.match), blocks_of(fresh)) << "step " << step;
      n_shrunk += one.match.hits.size() < n_before ? 1 : 0;
    }
    Waiting& next = waiting[random() % waiting.size()];
    const auto n_tokens = static_cast<std::int64_t>(next.tokens.size());
    const std::int32_t n_free = blocks.n_free(), n_taken = blocks.n_taken(next.match, n_tokens);
    if (n_taken <= n_free) {
      BlockTable& table = running.emplace_back();
      n_hits += blocks.start(table, next.match) > 0 ? 1 : 0;
      ASSERT_TRUE(blocks.grow(table, n_tokens));
      ASSERT_EQ(blocks.n_free(), n_free - n_taken);
      blocks.register_full(table, next.tokens, n_tokens);
      blocks.give_back_unseen(table, n_tokens - 1);
      std::swap(next, waiting.back());
      waiting.pop_back();
    }
    if (running.size() > 3 || n_taken > n_free) {
      const std::size_t i = random() % running.size();
      blocks.release(running[i]);
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
    }
    std::vector<const BlockTable*> tables;
    for (const BlockTable& table : running) tables.push_back(&table);
    blocks.check_invariants(tables);
  }
  EXPECT_GT(n_hits, 1000);
  EXPECT_GT(n_shrunk, 100);
}

TEST(KvBlocks, AKeptMatchEqualsAFreshOne) {
  keep_matches_up_to_date(0, 0);
  keep_matches_up_to_date(8, 0);
  keep_matches_up_to_date(5, 3);
}

}  // namespace
}  // namespace tinyllm

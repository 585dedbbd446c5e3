#include "cache/prefix_cache.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tinyllm {
namespace {

using Tokens = std::vector<std::int32_t>;

TEST(PrefixCache, FindsABlockUnderItsParentOnly) {
  PrefixCache cache(8, 2, 42);
  const EntryId root = cache.root("");
  const EntryId first = cache.insert(5, root, Tokens{1, 2});
  const EntryId second = cache.insert(3, first, Tokens{1, 2});
  EXPECT_NE(first, second);
  EXPECT_EQ(cache.find(root, Tokens{1, 2})->block, 5);
  EXPECT_EQ(cache.find(first, Tokens{1, 2})->block, 3);
  EXPECT_FALSE(cache.find(second, Tokens{1, 2}));
  EXPECT_FALSE(cache.find(root, Tokens{1, 3}));
  EXPECT_FALSE(cache.find(cache.root("salt"), Tokens{1, 2}));
}

TEST(PrefixCache, ADuplicateGetsTheKnownEntryAndStaysUncached) {
  PrefixCache cache(8, 1, 42);
  const EntryId entry = cache.insert(0, cache.root(""), Tokens{9});
  EXPECT_EQ(cache.insert(1, cache.root(""), Tokens{9}), entry);
  EXPECT_TRUE(cache.contains(0));
  EXPECT_FALSE(cache.contains(1));
  EXPECT_EQ(cache.n_entries(), 1);
}

TEST(PrefixCache, AnEntryOfAForgottenParentIsNeverFound) {
  PrefixCache cache(8, 1, 42);
  const EntryId parent = cache.insert(0, cache.root(""), Tokens{1});
  cache.insert(1, parent, Tokens{2});
  cache.erase(0);
  const EntryId again = cache.insert(2, cache.root(""), Tokens{1});
  EXPECT_NE(again, parent);
  EXPECT_FALSE(cache.find(again, Tokens{2}));  // block 1 hangs under the old parent
  cache.check_invariants();
}

TEST(PrefixCache, ComparesNoMoreBlocksTheMoreThereAre) {
  PrefixCache cache(PrefixCache::kMostCompared + 1, 2, 42);
  const EntryId root = cache.root("");
  cache.insert(PrefixCache::kMostCompared, root, Tokens{1, 2});
  EXPECT_EQ(cache.longest_common(root, Tokens{1, 3}), std::nullopt);
  cache.insert(PrefixCache::kMostCompared - 1, root, Tokens{1, 4});
  EXPECT_EQ(cache.longest_common(root, Tokens{1, 3}), 1);
}

TEST(PrefixCache, RandomOperationsAgreeWithAMap) {
  for (const std::int32_t block_size : {1, 3, 16}) {
    constexpr BlockId kBlocks = 33;
    PrefixCache cache(kBlocks, block_size, 7);
    std::map<std::pair<EntryId, Tokens>, std::pair<BlockId, EntryId>> model;
    std::vector<EntryId> parents = {cache.root(""), cache.root("a")};
    std::mt19937 random(static_cast<unsigned>(block_size));
    for (int step = 0; step < 20000; ++step) {
      Tokens tokens(static_cast<std::size_t>(block_size), 0);
      tokens[0] = static_cast<std::int32_t>(random() % 4);
      const EntryId parent = parents[random() % parents.size()];
      const auto known = model.find({parent, tokens});
      const auto block = static_cast<BlockId>(random() % kBlocks);
      const auto hit = cache.find(parent, tokens);
      ASSERT_EQ(hit.has_value(), known != model.end());
      if (hit) {
        ASSERT_EQ(hit->block, known->second.first);
      }
      if (cache.contains(block)) {
        std::erase_if(model, [&](const auto& entry) { return entry.second.first == block; });
        cache.erase(block);
      } else {
        const EntryId entry = cache.insert(block, parent, tokens);
        if (known == model.end()) model[{parent, tokens}] = {block, entry};
        ASSERT_EQ(entry, (model[{parent, tokens}].second));
        parents.push_back(entry);
        if (parents.size() > 12) parents.erase(parents.begin() + 2);
      }
      if (step % 64 == 0) cache.check_invariants();
    }
    ASSERT_EQ(static_cast<std::size_t>(cache.n_entries()), model.size());
    for (BlockId block = 0; block < kBlocks; ++block) cache.erase(block);
    cache.check_invariants();
    EXPECT_EQ(cache.n_entries(), 0);
  }
}

}  // namespace
}  // namespace tinyllm

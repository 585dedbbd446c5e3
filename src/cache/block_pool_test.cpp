#include "cache/block_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <random>

namespace tinyllm {
namespace {

using Content = BlockPool::Content;

TEST(BlockPool, WorthlessBlocksAreReusedFirstAndCachedOnesLast) {
  BlockPool pool(4);
  for (BlockId block = 0; block < 4; ++block) EXPECT_EQ(pool.take(), block);
  pool.release(2, Content::cached);
  pool.release(0, Content::cached);
  pool.release(1, Content::unseen);
  pool.release(3, Content::worthless);
  EXPECT_EQ(pool.take(), 3);
  EXPECT_EQ(pool.take(), 1);
  EXPECT_EQ(pool.take(), 2);  // least recently freed
  EXPECT_EQ(pool.take(), 0);
  EXPECT_DEATH(pool.take(), "no free block");
}

TEST(BlockPool, AHitTakesAFreeBlockOutOfTheMiddle) {
  BlockPool pool(3);
  for (int i = 0; i < 3; ++i) pool.take();
  for (BlockId block = 0; block < 3; ++block) pool.release(block, Content::cached);
  pool.add_ref(1);
  EXPECT_EQ(pool.n_free(), 2);
  pool.add_ref(1);
  pool.release(1, Content::cached);
  EXPECT_EQ(pool.n_free(), 2);  // one holder left
  EXPECT_EQ(pool.take(), 0);
  EXPECT_EQ(pool.take(), 2);
}

TEST(BlockPool, RandomOperationsAgreeWithDeques) {
  std::mt19937 random(1);
  for (const std::int32_t n_blocks : {1, 2, 7, 64}) {
    BlockPool pool(n_blocks);
    std::array<std::deque<BlockId>, 3> free;  // by content
    const auto n_free = [&] { return free[0].size() + free[1].size() + free[2].size(); };
    std::vector<int> counts(static_cast<std::size_t>(n_blocks), 0);
    for (BlockId block = 0; block < n_blocks; ++block) free[0].push_back(block);
    for (int step = 0; step < 10000; ++step) {
      const auto block = static_cast<BlockId>(random() % static_cast<unsigned>(n_blocks));
      int& count = counts[static_cast<std::size_t>(block)];
      const unsigned choice = random() % 3;
      if (choice == 0 && n_free() > 0) {
        const BlockId taken = pool.take();
        auto& first = free[free[0].empty() ? (free[1].empty() ? 2u : 1u) : 0u];
        ASSERT_EQ(taken, first.front());
        first.pop_front();
        counts[static_cast<std::size_t>(taken)] = 1;
      } else if (choice == 1) {
        if (count++ == 0) {
          for (auto& of_content : free) std::erase(of_content, block);
        }
        pool.add_ref(block);
      } else if (count > 0) {
        const std::size_t content = random() % 3;
        pool.release(block, static_cast<Content>(content));
        if (--count == 0 && content == 0) free[0].push_front(block);
        if (count == 0 && content > 0) free[content].push_back(block);
      }
      ASSERT_EQ(static_cast<std::size_t>(pool.n_free()), n_free());
      ASSERT_EQ(pool.ref_count(block), counts[static_cast<std::size_t>(block)]);
      if (step % 16 == 0) pool.check_invariants();
    }
  }
}

}  // namespace
}  // namespace tinyllm

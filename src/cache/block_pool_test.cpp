#include "cache/block_pool.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace tinyllm {
namespace {

TEST(BlockPool, WorthlessBlocksAreReusedFirstAndCachedOnesLast) {
  BlockPool pool(4);
  for (BlockId block = 0; block < 4; ++block) EXPECT_EQ(pool.take(), block);
  pool.release(2, /*cached=*/true);
  pool.release(0, /*cached=*/true);
  pool.release(3, /*cached=*/false);
  EXPECT_EQ(pool.take(), 3);
  EXPECT_EQ(pool.take(), 2);  // least recently freed
  EXPECT_EQ(pool.take(), 0);
  EXPECT_DEATH(pool.take(), "no free block");
}

TEST(BlockPool, AHitTakesAFreeBlockOutOfTheMiddle) {
  BlockPool pool(3);
  for (int i = 0; i < 3; ++i) pool.take();
  for (BlockId block = 0; block < 3; ++block) pool.release(block, true);
  pool.add_ref(1);
  EXPECT_EQ(pool.n_free(), 2);
  pool.add_ref(1);
  pool.release(1, true);
  EXPECT_EQ(pool.n_free(), 2);  // one holder left
  EXPECT_EQ(pool.take(), 0);
  EXPECT_EQ(pool.take(), 2);
}

TEST(BlockPool, RandomOperationsAgreeWithADeque) {
  std::mt19937 random(1);
  for (const std::int32_t n_blocks : {1, 2, 7, 64}) {
    BlockPool pool(n_blocks);
    std::deque<BlockId> free;
    std::vector<int> counts(static_cast<std::size_t>(n_blocks), 0);
    for (BlockId block = 0; block < n_blocks; ++block) free.push_back(block);
    for (int step = 0; step < 10000; ++step) {
      const auto block = static_cast<BlockId>(random() % static_cast<unsigned>(n_blocks));
      int& count = counts[static_cast<std::size_t>(block)];
      const unsigned choice = random() % 3;
      if (choice == 0 && !free.empty()) {
        const BlockId taken = pool.take();
        ASSERT_EQ(taken, free.front());
        free.pop_front();
        counts[static_cast<std::size_t>(taken)] = 1;
      } else if (choice == 1) {
        if (count++ == 0) std::erase(free, block);
        pool.add_ref(block);
      } else if (count > 0) {
        const bool cached = random() % 2 == 0;
        pool.release(block, cached);
        if (--count == 0) cached ? free.push_back(block) : free.push_front(block);
      }
      ASSERT_EQ(static_cast<std::size_t>(pool.n_free()), free.size());
      ASSERT_EQ(pool.ref_count(block), counts[static_cast<std::size_t>(block)]);
      if (step % 16 == 0) pool.check_invariants();
    }
  }
}

}  // namespace
}  // namespace tinyllm

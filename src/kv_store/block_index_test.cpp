#include "kv_store/block_index.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace tinyllm {
namespace {

BlockKey key(int n) { return key_of(std::to_string(n)); }

std::int64_t put(BlockIndex& index, int n, int parent) {
  const BlockIndex::Slot taken = index.take(key(parent));
  if (taken.slot >= 0) index.insert(taken.slot, {key(n), key(parent), 0, index.next_use()});
  index.check_invariants();
  return taken.slot;
}

TEST(BlockIndex, TheLeastRecentlyUsedLeafGoesFirst) {
  BlockIndex index(4);
  put(index, 1, 0);
  put(index, 2, 1);
  put(index, 3, 2);  // 0 --> 1 --> 2 --> 3
  put(index, 4, 1);  //             \--> 4
  EXPECT_EQ(index.n_blocks(), 4);
  index.touch(*index.find(key(3)));
  EXPECT_EQ(put(index, 5, 0), 3);  // in place of 4: 1 and 2 are older, but lead to 3
  EXPECT_FALSE(index.find(key(4)));
  EXPECT_EQ(put(index, 6, 5), 2);  // 3 goes: it is older than 5, which is the parent
  EXPECT_TRUE(index.find(key(2)) && index.find(key(1)) && index.find(key(5)));
}

TEST(BlockIndex, ATextLongerThanTheStoreKeepsItsStart) {
  BlockIndex index(3);
  for (int n = 1; n <= 3; ++n) EXPECT_EQ(put(index, n, n - 1), n - 1);
  EXPECT_EQ(put(index, 4, 3), -1);
  EXPECT_TRUE(index.find(key(3)));
}

TEST(BlockIndex, SlotsThatWereNotRestoredAreFree) {
  BlockIndex index(5);
  EXPECT_TRUE(index.restore(3, {key(2), key(1), 7, 20}));
  EXPECT_TRUE(index.restore(1, {key(1), key(0), 8, 30}));
  EXPECT_FALSE(index.restore(0, {key(1), key(0), 8, 30}));
  index.end_restore();
  index.check_invariants();
  EXPECT_EQ(put(index, 3, 2), 0);
  EXPECT_EQ(put(index, 4, 3), 2);
  EXPECT_EQ(put(index, 5, 4), 4);
  EXPECT_GT(index.entry(4).used, 30u);
  EXPECT_EQ(put(index, 6, 5), -1);  // one chain: only its end could go
}

TEST(BlockIndex, RandomOperations) {
  std::mt19937 random(3);
  BlockIndex index(40);
  for (int step = 0; step < 5000; ++step) {
    const int n = 1 + static_cast<int>(random() % 100);
    const auto slot = index.find(key(n));
    if (slot && random() % 4 == 0) {
      index.erase(*slot);
      index.give_back(*slot);
    } else if (slot) {
      index.touch(*slot);
    } else if (random() % 50 == 0) {
      const BlockIndex::Slot taken = index.take(key(n / 2));  // a write that fails
      if (taken.slot >= 0) index.give_back(taken.slot);
    } else {
      put(index, n, n / 2);
    }
    index.check_invariants();
    ASSERT_LE(index.n_blocks(), 40);
  }
}

}  // namespace
}  // namespace tinyllm

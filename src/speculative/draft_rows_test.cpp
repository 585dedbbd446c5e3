#include "speculative/draft_rows.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

Sequence sequence_of(std::vector<TokenId> token_ids, std::vector<BlockId> blocks) {
  Sequence sequence;
  sequence.token_ids = std::move(token_ids);
  sequence.blocks.block_ids = std::move(blocks);
  return sequence;
}

// What of `sequence` has rows, for a drafter that sees it for the first time.
std::int64_t n_held(const DraftRows& rows, const Sequence& sequence) {
  DraftRows::Text text;
  rows.follow(text, sequence);
  return text.n_held;
}

TEST(DraftRows, RowsTellThemselvesWhatIsInThem) {
  DraftRows rows(8, 4);
  const Sequence first = sequence_of({1, 2, 3, 4, 5, 6}, {3, 1});
  DraftRows::Text text;
  rows.follow(text, first);
  EXPECT_EQ(text.n_held, 0);
  rows.wrote(text, first, 6, {});
  EXPECT_EQ(text.n_held, 5);  // one is left to compute
  // Another sequence that shares the first block, one with other tokens, one in other blocks.
  EXPECT_EQ(n_held(rows, sequence_of({1, 2, 3, 4, 9, 9}, {3, 5})), 4);
  EXPECT_EQ(n_held(rows, sequence_of({1, 2, 3, 4, 5, 6, 7}, {3, 1})), 6);
  EXPECT_EQ(n_held(rows, sequence_of({1, 2, 9, 4, 5, 6, 7}, {3, 1})), 2);
  EXPECT_EQ(n_held(rows, sequence_of({1, 2, 3, 4, 5, 6}, {1, 3})), 0);
  // The same tokens behind other ones are another row.
  EXPECT_EQ(n_held(rows, sequence_of({5, 6, 7, 8, 5, 6, 7}, {0, 1})), 0);
}

TEST(DraftRows, RightDraftsNeedNotBeComputedAgain) {
  DraftRows rows(8, 4);
  Sequence sequence = sequence_of({1, 2, 3}, {0, 1});
  DraftRows::Text text;
  rows.follow(text, sequence);
  rows.wrote(text, sequence, 3, std::vector<TokenId>{4, 5, 6, 7, 8, 9});  // the last is in no block
  sequence.token_ids = {1, 2, 3, 4, 5, 60, 7, 8};
  rows.follow(text, sequence);
  EXPECT_EQ(text.n_held, 5);
  rows.wrote(text, sequence, 7, {});
  EXPECT_EQ(text.n_held, 7);
}

// Who may not share a prefix must not learn from rows either that somebody else had it.
TEST(DraftRows, RowsOfAnotherSaltAreNotFound) {
  DraftRows rows(8, 4);
  Sequence mine = sequence_of({1, 2, 3, 4, 5}, {0, 1}), yours = mine;
  mine.cache_salt = "mine";
  yours.cache_salt = "yours";
  DraftRows::Text text;
  rows.follow(text, mine);
  rows.wrote(text, mine, 5, {});
  EXPECT_EQ(n_held(rows, mine), 4);
  EXPECT_EQ(n_held(rows, yours), 0);
  yours.cache_salt.clear();
  EXPECT_EQ(n_held(rows, yours), 0);
}

// A preempted sequence begins in other blocks; a long prompt is read in parts.
TEST(DraftRows, ANewEpochBeginsAnew) {
  DraftRows rows(8, 4);
  Sequence sequence = sequence_of({1, 2, 3, 4, 5, 6, 7}, {0, 1});
  DraftRows::Text text;
  rows.follow(text, sequence);
  rows.wrote(text, sequence, 4, {});
  EXPECT_EQ(text.n_held, 4);
  sequence.blocks.block_ids = {5, 6};
  sequence.epoch = 1;
  rows.follow(text, sequence);
  EXPECT_EQ(text.n_held, 0);
  sequence.blocks.block_ids = {0, 6};
  sequence.epoch = 2;
  rows.follow(text, sequence);
  EXPECT_EQ(text.n_held, 4);
  sequence.blocks.block_ids = {};  // it has none yet
  sequence.epoch = 3;
  rows.follow(text, sequence);
  EXPECT_EQ(text.n_held, 0);
}

}  // namespace
}  // namespace tinyllm

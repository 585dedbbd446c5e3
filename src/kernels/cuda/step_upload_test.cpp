#include "kernels/cuda/step_upload.h"

#include <gtest/gtest.h>

#include "kernels/cuda/embed.h"

namespace tinyllm::cuda {
namespace {

// Two sequences that decode one token each, the second after what it drew last.
struct SmallBatch {
  SmallBatch() {
    batch.n_tokens = batch.n_seqs = batch.n_samples = 2;
    batch.token_ids = ids;
    batch.positions = positions;
    batch.slot_mapping = slots;
    batch.seq_starts = starts;
    batch.row_slots = row_slots;
    batch.block_starts = block_starts;
    batch.blocks = blocks;
    rows[1].token_idx = 1;
    rows[1].row_slot = 5;
    batch.samples = rows;
  }
  std::vector<TokenId> ids = {7, kLastSampled};
  std::vector<std::int32_t> positions = {3, 40}, slots = {19, 136}, starts = {0, 1, 2},
                            row_slots = {2, 5}, block_starts = {0, 1, 4}, blocks = {1, 2, 3, 8};
  std::vector<SampleRow> rows = std::vector<SampleRow>(2);
  StepBatch batch;
};

template <typename T>
const T* at(const std::vector<std::byte>& bytes, std::int64_t offset) {
  return reinterpret_cast<const T*>(bytes.data() + offset);
}

TEST(StepUpload, PadsABucketWithRowsThatDoNothing) {
  SmallBatch small;
  StepPlanner planner;
  const AttentionPlanSizes sizes{.n_slots = 3, .group_size = 2};
  planner.plan(small.batch, 8, sizes);
  EXPECT_EQ(planner.decode_ranges.size(), 2u);
  EXPECT_TRUE(planner.prefill_tiles.empty());
  UploadCounts counts{4, 4, 3, 10, 0, 4};
  const UploadLayout layout(counts);
  std::vector<std::byte> bytes(static_cast<std::size_t>(layout.end), std::byte{0xFF});
  fill_upload(small.batch, planner, counts, bytes.data());
  const auto* ids = at<TokenId>(bytes, layout.ids);
  EXPECT_EQ(ids[0], 7);
  EXPECT_EQ(ids[1], drawn_by(5));
  EXPECT_EQ(ids[3], 0);
  const auto* slots = at<std::int32_t>(bytes, layout.slot_mapping);
  EXPECT_EQ(slots[1], 136);
  EXPECT_EQ(slots[2], -1);  // stores nothing
  EXPECT_EQ(at<std::int32_t>(bytes, layout.block_begins)[1], 1);
  EXPECT_EQ(at<std::int32_t>(bytes, layout.blocks)[3], 8);
  const auto* rows = at<SampleRow>(bytes, layout.samples);
  EXPECT_EQ(rows[1].row_slot, 5);
  EXPECT_EQ(rows[3].token_idx, 3);
  EXPECT_EQ(rows[3].draws, 0);
  EXPECT_EQ(at<std::int32_t>(bytes, layout.slot_starts)[3],
            static_cast<std::int32_t>(planner.decode_plan.segments.size()));
}

TEST(StepUpload, PlacesDependOnCountsAndBlocksComeLast) {
  const UploadLayout small(UploadCounts{4, 4, 3, 10, 0, 4}),
      large(UploadCounts{4, 4, 3, 10, 0, 900});
  EXPECT_EQ(small.blocks, large.blocks);
  EXPECT_LT(small.end, large.end);
  EXPECT_EQ(small.blocks % 16, 0);
}

TEST(StepUpload, LongTurnsArePrompts) {
  SmallBatch small;
  small.batch.n_tokens = 21;
  small.batch.seq_starts = small.starts = {0, 1, 21};
  small.positions.assign(21, 0);
  small.batch.positions = small.positions;
  StepPlanner planner;
  planner.plan(small.batch, 8, {.n_slots = 3, .group_size = 2});
  ASSERT_EQ(planner.prefill_ranges.size(), 1u);
  EXPECT_EQ(planner.prefill_ranges[0].n_tokens, 20);
  EXPECT_EQ(planner.decode_ranges.size(), 1u);
}

}  // namespace
}  // namespace tinyllm::cuda

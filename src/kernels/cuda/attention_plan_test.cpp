#include "kernels/cuda/attention_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <tuple>

#include "kernels/cuda/kv_layout.h"
#include "kernels/cuda/prefill_attention.h"

namespace tinyllm::cuda {
namespace {

std::vector<AttentionRange> random_ranges(std::mt19937& random, int n, int max_position,
                                          int max_tokens) {
  std::vector<AttentionRange> ranges;
  std::int32_t token = 0;
  for (int i = 0; i < n; ++i) {
    const auto n_tokens = static_cast<std::int32_t>(1 + random() % max_tokens);
    ranges.push_back(
        {token, n_tokens, static_cast<std::int32_t>(random() % max_position), i * 100});
    token += n_tokens;
  }
  return ranges;
}

using Rows = std::tuple<std::int32_t, std::int32_t>;  // first_token, row_begin

// Each row of each range meets each group that it sees once, in ascending parts.
void expect_covers(const AttentionPlan& plan, std::span<const AttentionRange> ranges,
                   const AttentionPlanSizes& sizes) {
  ASSERT_EQ(std::ssize(plan.slot_starts), sizes.n_slots + 1);
  EXPECT_EQ(plan.slot_starts.front(), 0);
  EXPECT_EQ(plan.slot_starts.back(), std::ssize(plan.segments));
  EXPECT_TRUE(std::ranges::is_sorted(plan.slot_starts));
  std::map<Rows, std::vector<AttentionSegment>> by_rows;
  for (const AttentionSegment& segment : plan.segments) {
    ASSERT_LT(segment.group_begin, segment.group_end);
    ASSERT_LE(segment.n_rows, sizes.max_rows);
    by_rows[{segment.first_token, segment.row_begin}].push_back(segment);
  }
  for (const AttentionRange& range : ranges) {
    std::int32_t row = 0;
    while (row < range.n_tokens * sizes.group_size) {
      const auto found = by_rows.find({range.first_token, row});
      ASSERT_NE(found, by_rows.end()) << "no segment for row " << row;
      const std::vector<AttentionSegment>& parts = found->second;
      const std::int32_t n_rows = parts.front().n_rows;
      const std::int32_t first = range.first_position + row / sizes.group_size;
      const std::int32_t last = range.first_position + (row + n_rows - 1) / sizes.group_size;
      std::int32_t group = sizes.window > 0 ? std::max(first - sizes.window + 1, 0) / kKvGroup : 0;
      if (sizes.split_groups > 0) group -= group % sizes.step_groups;
      std::int32_t idx = 0;
      for (const AttentionSegment& part : parts) {
        EXPECT_EQ(part.group_begin, group);
        EXPECT_EQ(part.n_parts, std::ssize(parts));
        EXPECT_EQ(part.part_idx, idx++);
        EXPECT_EQ(part.part_begin < 0, parts.size() == 1);
        EXPECT_EQ(part.merge_idx, parts.front().merge_idx);
        group = part.group_end;
      }
      EXPECT_EQ(group, last / kKvGroup + 1);
      row += n_rows;
      by_rows.erase(found);
    }
  }
  EXPECT_TRUE(by_rows.empty()) << "segments of nothing";
}

// Nobody waits for others before its last segment, and every result is merged, by each merger once.
void expect_merges(const AttentionPlan& plan) {
  std::map<std::int32_t, std::vector<std::int32_t>> mergers;
  for (std::size_t slot = 1; slot < plan.slot_starts.size(); ++slot) {
    for (std::int32_t s = plan.slot_starts[slot - 1]; s < plan.slot_starts[slot]; ++s) {
      const AttentionSegment& segment = plan.segments[static_cast<std::size_t>(s)];
      if (segment.merger < 0) continue;
      mergers[segment.merge_idx].push_back(segment.merger);
      const bool has_done_all = s - segment.part_idx >= plan.slot_starts[slot - 1] &&
                                segment.part_idx == segment.n_parts - 1;
      EXPECT_TRUE(s + 1 == plan.slot_starts[slot] || has_done_all);
    }
  }
  EXPECT_EQ(std::ssize(mergers), plan.n_merges);
  for (const auto& [merge_idx, numbers] : mergers) {
    for (std::size_t i = 0; i < numbers.size(); ++i)
      EXPECT_EQ(numbers[i], std::ssize(numbers) * kMaxMergers + static_cast<std::int32_t>(i));
  }
}

// Parts of different results do not share a place.
void expect_parts_apart(const AttentionPlan& plan) {
  std::vector<int> used(static_cast<std::size_t>(plan.n_parts));
  for (const AttentionSegment& segment : plan.segments) {
    if (segment.part_begin < 0) continue;
    ASSERT_LT(segment.part_begin + segment.part_idx, plan.n_parts);
    ASSERT_LT(segment.merge_idx, plan.n_merges);
    ++used[segment.part_begin + segment.part_idx];
  }
  EXPECT_TRUE(std::ranges::all_of(used, [](int n) { return n == 1; }));
}

TEST(AttentionPlan, CoversEveryGroupOnce) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    AttentionPlanSizes sizes;
    sizes.n_slots = static_cast<std::int32_t>(1 + random() % 66);
    sizes.group_size = std::array{1, 2, 3, 6, 7, 40}[random() % 6];
    sizes.max_rows = random() % 2 == 0 ? 16 : 32;
    sizes.window = std::array{0, 1, 16, 100, 5000}[random() % 5];
    sizes.split_groups = std::array{0, 8, 32}[random() % 3];
    const auto ranges =
        random_ranges(random, static_cast<int>(random() % 70), 9000, random() % 2 == 0 ? 1 : 8);
    AttentionPlan plan;
    plan_attention(ranges, sizes, plan);
    expect_covers(plan, ranges, sizes);
    expect_parts_apart(plan);
    expect_merges(plan);
    std::int64_t n_groups = 0, n_pieces = 0;
    for (const AttentionSegment& segment : plan.segments) {
      n_groups += segment.group_end - segment.group_begin;
      n_pieces += segment.part_idx == 0;
    }
    EXPECT_LE(plan.n_parts, max_attention_parts(n_pieces, n_groups, sizes));
  }
}

TEST(AttentionPlan, SlotsGetEquallyMuch) {
  std::mt19937 random(2);
  for (const int n : {1, 3, 40, 256}) {
    const AttentionPlanSizes sizes = {.n_slots = 33, .group_size = 7};
    const auto ranges = random_ranges(random, n, n == 1 ? 40000 : 4000, 1);
    AttentionPlan plan;
    plan_attention(ranges, sizes, plan);
    std::int64_t total = 0, most = 0;
    for (int slot = 0; slot < sizes.n_slots; ++slot) {
      std::int64_t groups = 0;
      for (int s = plan.slot_starts[slot]; s < plan.slot_starts[slot + 1]; ++s)
        groups += plan.segments[s].group_end - plan.segments[s].group_begin + sizes.step_groups;
      total += groups;
      most = std::max(most, groups);
    }
    EXPECT_LE(most, 1.15 * static_cast<double>(total) / sizes.n_slots + 2.0 * sizes.step_groups)
        << n << " sequences";
  }
}

TEST(AttentionPlan, ShortSequencesAreNotCut) {
  AttentionPlan plan;
  const AttentionRange range = {.first_token = 0, .n_tokens = 1, .first_position = 100};
  plan_attention(std::span(&range, 1), {.n_slots = 33, .group_size = 7}, plan);
  EXPECT_EQ(plan.segments.size(), 1u);
  EXPECT_EQ(plan.n_parts, 0);
}

TEST(AttentionPlan, FixedSplitsDoNotDependOnTheBatch) {
  std::mt19937 random(3);
  const AttentionPlanSizes sizes = {.n_slots = 16, .group_size = 2, .split_groups = 32};
  const auto ranges = random_ranges(random, 50, 6000, 1);
  AttentionPlan all, alone;
  plan_attention(ranges, sizes, all);
  for (const AttentionRange& range : ranges) {
    plan_attention(std::span(&range, 1), sizes, alone);
    std::size_t i = 0;
    for (const AttentionSegment& segment : all.segments) {
      if (segment.first_token != range.first_token) continue;
      ASSERT_LT(i, alone.segments.size());
      EXPECT_EQ(segment.group_begin, alone.segments[i].group_begin);
      EXPECT_EQ(segment.group_end, alone.segments[i].group_end);
      ++i;
    }
    EXPECT_EQ(i, alone.segments.size());
  }
}

TEST(PrefillPlan, TilesCoverTheRowsLongestFirst) {
  const std::vector<AttentionRange> ranges = {
      {0, 100, 0, 0}, {100, 1, 4000, 9}, {101, 300, 50, 80}};
  std::vector<PrefillTile> tiles;
  plan_prefill(ranges, 7, tiles);
  std::map<std::int32_t, std::int32_t> n_rows;
  std::int32_t before = 1 << 30;
  for (const PrefillTile& tile : tiles) {
    n_rows[tile.first_token] += tile.n_rows;
    const std::int32_t last = tile.first_position + (tile.row_begin + tile.n_rows - 1) / 7;
    EXPECT_LE(last, before);
    EXPECT_LE(last, tile.n_positions - 1);
    before = last;
  }
  EXPECT_EQ(n_rows, (std::map<std::int32_t, std::int32_t>{{0, 700}, {100, 7}, {101, 2100}}));
}

TEST(KvLayout, EveryElementHasAPlaceOfItsOwn) {
  for (const int head_dim : {8, 16, 32, 48, 64, 80, 96, 128, 256}) {
    std::vector<int> used(static_cast<std::size_t>(kKvGroup * head_dim));
    for (int t = 0; t < kKvGroup; ++t) {
      for (int d = 0; d < head_dim; ++d) {
        const int at = kv_elem_in_group(t, d, head_dim);
        ASSERT_TRUE(at >= 0 && at < kKvGroup * head_dim);
        ++used[static_cast<std::size_t>(at)];
      }
    }
    EXPECT_TRUE(std::ranges::all_of(used, [](int n) { return n == 1; })) << head_dim;
  }
  EXPECT_EQ(kv_group_start(5 * 64 + 33, 1, 2, 64, 128), ((5 * 2 + 1) * 4 + 2) * 4096);
}

}  // namespace
}  // namespace tinyllm::cuda

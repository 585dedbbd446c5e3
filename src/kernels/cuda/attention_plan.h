#pragma once
// Who reads which keys and values in a step's decode attention, planned on the host once a step for
// all layers and K/V heads. Positions are cut into groups of 16 (kv_layout.h); the device has
// n_slots blocks for each K/V head, and every block gets about as many groups as every other, so
// one long sequence keeps the whole device busy and many short ones do not wait for it:
//
//   sequences   |aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|bb|cccccc|dddd|       groups, end to end
//   slots       [   0   ][   1   ][   2   ][   3   ][   4   ][  5 ]
//   segments     a        a        a        a     b b c  ...           4 segments of a are merged
//
// With fixed splits the cuts stand at multiples of a number of positions instead, counted from the
// sequence's beginning, and windows begin at multiples of step_groups: then a row's result depends
// neither on what else is in the batch nor on the rows that are computed with it, not in a bit. Plain integers; any thread.

#include <cstdint>
#include <span>
#include <vector>

namespace tinyllm::cuda {

// New tokens of one sequence that go through decode attention.
struct AttentionRange {
  std::int32_t first_token = 0;     // of the step's tokens
  std::int32_t n_tokens = 0;        // >= 1
  std::int32_t first_position = 0;  // of its first token
  std::int32_t block_begin = 0;     // of the sequence, into StepBatch::blocks
};

inline constexpr std::int32_t kMaxMergers = 1 << 12;  // of one result

// Groups [group_begin, group_end) for the rows [row_begin, row_begin + n_rows) of a range, where
// row r is head r % group_size (of the K/V head's query heads) of token first_token + r /
// group_size. Plain bytes: goes to the device as it is.
struct AttentionSegment {
  std::int32_t first_token, first_position, block_begin;
  std::int32_t row_begin, n_rows;
  std::int32_t group_begin, group_end;
  std::int32_t part_begin;  // first of the parts that make up the result; -1: this is all of it
  std::int32_t n_parts;
  std::int32_t part_idx;   // this one
  std::int32_t merge_idx;  // the counter of parts that are done
  std::int32_t merger;  // n_mergers * kMaxMergers + this one's number: its block merges too; or -1
};
static_assert(sizeof(AttentionSegment) == 48);

struct AttentionPlanSizes {
  std::int32_t n_slots = 1;     // blocks of the device for each K/V head
  std::int32_t group_size = 1;  // query heads of a K/V head
  std::int32_t max_rows = 16;   // of a segment
  std::int32_t window = 0;      // positions that a token sees; 0: all
  std::int32_t step_groups =
      8;  // groups that a block reads at once: no segment is shorter, but a result's last
  std::int32_t split_groups = 0;  // fixed splits of so many groups; 0: balanced
};

struct AttentionPlan {
  std::vector<AttentionSegment> segments;  // by slot
  std::vector<std::int32_t> slot_starts;   // [n_slots + 1] into segments
  std::int32_t n_parts = 0, n_merges = 0;  // what scratch and counters are needed
};

// Reuses the plan's memory.
void plan_attention(std::span<const AttentionRange> ranges, const AttentionPlanSizes& sizes,
                    AttentionPlan& plan);

// The most parts that any plan has for so many ranges with max_groups groups in all.
std::int64_t max_attention_parts(std::int64_t n_ranges, std::int64_t max_groups,
                                 const AttentionPlanSizes& sizes);

}  // namespace tinyllm::cuda

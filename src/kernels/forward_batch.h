#pragma once
// What one step computes, as flat arrays: the only thing that goes from the runner to a backend
// before the layers run. Built from a StepPlan by runner/step_runner. Views: the arrays belong to
// the runner, are sized once for the largest step, and stay valid until collect().
//
//   tokens      t0  t1  t2 | t3 | t4  t5        three rows: a prompt chunk, a decode, a chunk
//   row_starts   0           3     4        6   row r has tokens [row_starts[r], row_starts[r + 1])
//   positions   16  17  18 | 90 |  0   1        a token sees positions [0, its own] of its row

#include <cstdint>
#include <span>

namespace tinyllm {

struct ForwardBatch {
  std::int32_t n_tokens = 0;
  std::int32_t n_rows = 0;

  // [n_tokens]
  std::span<const std::int32_t> token_ids;     // kLastSampled: what this row slot drew last
  std::span<const std::int32_t> positions;     // in the sequence, from 0
  std::span<const std::int32_t> slot_mapping;  // where K and V go: block * block_size + offset

  std::span<const std::int32_t> row_starts;  // [n_rows + 1]
  std::span<const std::int32_t> row_slots;   // [n_rows] where the backend keeps a row's own state

  // [n_rows, max_blocks_per_row] blocks of each row in order of positions; the rest is 0.
  std::span<const std::int32_t> block_tables;
  std::int32_t max_blocks_per_row = 0;

  // [n_logits] ascending indices of the tokens whose logits are wanted.
  std::span<const std::int32_t> logits_tokens;

  // Positions of a row after this step.
  std::int32_t context_len(std::int32_t row) const {
    return positions[static_cast<std::size_t>(row_starts[static_cast<std::size_t>(row) + 1] - 1)] +
           1;
  }
};

inline constexpr std::int32_t kLastSampled = -1;

}  // namespace tinyllm

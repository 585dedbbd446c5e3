#pragma once
// The arrays of a StepBatch, filled row by row from a plan. Sized once for the largest step.

#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/step_batch.h"
#include "runner/step_runner.h"

namespace tinyllm {

class BatchBuilder {
 public:
  explicit BatchBuilder(const RunnerSizes& sizes);

  void clear();
  // The tokens of a row, and where their K/V rows go.
  void add_row(const PlanRow& row);
  // The row's logits: one sample for each of its last n_logits tokens, put behind `samples`. Called
  // right after add_row for rows with n_logits > 0.
  void add_samples(const PlanRow& row, const RowSettings& settings,
                   std::vector<SampleRow>& samples);
  StepBatch batch(std::span<const SampleRow> samples) const;

 private:
  // What all samples of a row have in common.
  SampleRow common_part(const PlanRow& row, const RowSettings& settings);
  std::int32_t add_masks(const PlanRow& row, const RowSettings& settings);

  RunnerSizes sizes_;
  std::vector<TokenId> token_ids_;
  std::vector<std::int32_t> positions_, slot_mapping_;                // [tokens]
  std::vector<std::int32_t> seq_starts_, row_slots_, adapter_slots_;  // [sequences]
  std::vector<std::int32_t> block_starts_, blocks_;
  std::vector<std::pair<TokenId, float>> biases_;
  std::vector<TokenId> banned_ids_;
  std::vector<std::uint32_t> masks_;
  std::vector<HistoryReset> history_resets_;
};

}  // namespace tinyllm

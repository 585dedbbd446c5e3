#pragma once
// Everything that a step needs on the device, as one block of bytes: filled on the host, copied by
// one transfer. Where each array stands depends on the bucket alone, so that a recorded graph finds
// the next step's arrays where the last one's were; what has no bound, the blocks of the sequences,
// stands at the end.
//
//   | ids | positions | slots | block begins | samples | slot starts | segments | tiles | blocks ..

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/cuda/attention_plan.h"
#include "kernels/cuda/prefill_attention.h"
#include "kernels/step_batch.h"

namespace tinyllm::cuda {

// How many of each: the step's own, or a bucket's.
struct UploadCounts {
  std::int32_t n_tokens = 0;
  std::int32_t n_samples = 0;
  std::int32_t n_slots = 0;  // of the attention plan
  std::int32_t n_segments = 0;
  std::int32_t n_tiles = 0;
  std::int32_t n_blocks = 0;
};

// Byte offsets.
struct UploadLayout {
  explicit UploadLayout(const UploadCounts& counts);
  std::int64_t ids, positions, slot_mapping, block_begins, samples, slot_starts, segments, tiles,
      blocks, end;
};

// A step's work, sorted by how attention does it.
struct StepPlanner {
  std::vector<AttentionRange> decode_ranges, prefill_ranges;
  AttentionPlan decode_plan;
  std::vector<PrefillTile> prefill_tiles;

  // Sequences with more than `max_decode_tokens` new tokens are prompts. Reuses its memory.
  void plan(const StepBatch& batch, std::int32_t max_decode_tokens,
            const AttentionPlanSizes& sizes);
};

// Writes the arrays of `batch` to `to`. Tokens and samples beyond the batch's own, up to the
// counts, are padding: they store nothing, draw nothing and are nobody's.
void fill_upload(const StepBatch& batch, const StepPlanner& planner, const UploadCounts& counts,
                 std::byte* to);

}  // namespace tinyllm::cuda

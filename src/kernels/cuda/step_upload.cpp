#include "kernels/cuda/step_upload.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "kernels/cuda/embed.h"

namespace tinyllm::cuda {
namespace {

std::int64_t place(std::int64_t& end, std::int64_t n, std::size_t size) {
  const std::int64_t at = end;
  end = (end + n * static_cast<std::int64_t>(size) + 15) / 16 * 16;
  return at;
}

template <typename T>
void copy_to(std::byte* to, std::span<const T> values) {
  if (!values.empty()) std::memcpy(to, values.data(), values.size_bytes());
}

std::size_t index(std::int32_t i) { return static_cast<std::size_t>(i); }

}  // namespace

UploadLayout::UploadLayout(const UploadCounts& counts) : end(0) {
  ids = place(end, counts.n_tokens, 4);
  positions = place(end, counts.n_tokens, 4);
  slot_mapping = place(end, counts.n_tokens, 4);
  block_begins = place(end, counts.n_tokens, 4);
  samples = place(end, counts.n_samples, sizeof(SampleRow));
  slot_starts = place(end, counts.n_slots + 1, 4);
  segments = place(end, counts.n_segments, sizeof(AttentionSegment));
  tiles = place(end, counts.n_tiles, sizeof(PrefillTile));
  blocks = place(end, counts.n_blocks, 4);
}

void StepPlanner::plan(const StepBatch& batch, std::int32_t max_decode_tokens,
                       const AttentionPlanSizes& sizes) {
  decode_ranges.clear();
  prefill_ranges.clear();
  for (std::int32_t s = 0; s < batch.n_seqs; ++s) {
    const std::int32_t first = batch.seq_starts[index(s)];
    const std::int32_t n = batch.seq_starts[index(s) + 1] - first;
    const AttentionRange range{first, n, batch.positions[index(first)],
                               batch.block_starts[index(s)]};
    (n > max_decode_tokens ? prefill_ranges : decode_ranges).push_back(range);
  }
  plan_attention(decode_ranges, sizes, decode_plan);
  plan_prefill(prefill_ranges, sizes.group_size, prefill_tiles);
}

void fill_upload(const StepBatch& batch, const StepPlanner& planner, const UploadCounts& counts,
                 std::byte* to) {
  const UploadLayout layout(counts);
  CHECK(std::ssize(planner.decode_plan.segments) <= counts.n_segments, "{} segments, at most {}",
        planner.decode_plan.segments.size(), counts.n_segments);
  auto* ids = reinterpret_cast<TokenId*>(to + layout.ids);
  auto* positions = reinterpret_cast<std::int32_t*>(to + layout.positions);
  auto* slots = reinterpret_cast<std::int32_t*>(to + layout.slot_mapping);
  auto* block_begins = reinterpret_cast<std::int32_t*>(to + layout.block_begins);
  for (std::int32_t s = 0; s < batch.n_seqs; ++s) {
    for (std::int32_t t = batch.seq_starts[index(s)]; t < batch.seq_starts[index(s) + 1]; ++t) {
      const TokenId id = batch.token_ids[index(t)];
      ids[t] = id == kLastSampled ? drawn_by(batch.row_slots[index(s)]) : id;
      block_begins[t] = batch.block_starts[index(s)];
    }
  }
  copy_to(to + layout.positions, batch.positions);
  copy_to(to + layout.slot_mapping, batch.slot_mapping);
  for (std::int32_t t = batch.n_tokens; t < counts.n_tokens; ++t) {
    ids[t] = positions[t] = block_begins[t] = 0;
    slots[t] = -1;
  }
  copy_to(to + layout.samples, batch.samples);
  auto* samples = reinterpret_cast<SampleRow*>(to + layout.samples);
  for (std::int32_t i = batch.n_samples; i < counts.n_samples; ++i) {
    samples[i] = SampleRow{};
    samples[i].token_idx = i;
  }
  copy_to(to + layout.slot_starts, std::span<const std::int32_t>(planner.decode_plan.slot_starts));
  copy_to(to + layout.segments, std::span<const AttentionSegment>(planner.decode_plan.segments));
  copy_to(to + layout.tiles, std::span<const PrefillTile>(planner.prefill_tiles));
  copy_to(to + layout.blocks, batch.blocks);
}

}  // namespace tinyllm::cuda

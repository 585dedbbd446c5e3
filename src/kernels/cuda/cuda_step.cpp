// The frame of a step: what goes down, what is launched, what comes back.

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/logprob_report.h"

namespace tinyllm::cuda {
namespace {

template <typename T>
void copy_down(const DeviceBuffer& to, std::span<const T> values, cudaStream_t stream) {
  if (values.empty()) return;
  CHECK(static_cast<std::int64_t>(values.size_bytes()) <= to.n_bytes(), "{} bytes for a pool of {}",
        values.size_bytes(), to.n_bytes());
  check(cudaMemcpyAsync(to.data(), values.data(), values.size_bytes(), cudaMemcpyHostToDevice,
                        stream),
        "uploading a step");
}

}  // namespace

std::int32_t CudaBackend::bucket_of(std::int32_t n_rows) const {
  return *std::ranges::lower_bound(buckets_, n_rows);
}

// Room for the segments of a decode step of n_rows. Fixed splits become more as texts grow.
std::int32_t CudaBackend::segments_of_bucket(std::int32_t n_rows) const {
  if (plan_sizes_.split_groups > 0)
    return static_cast<std::int32_t>(std::bit_ceil(planner_.decode_plan.segments.size()));
  const std::int32_t n_pieces =
      (plan_sizes_.group_size + plan_sizes_.max_rows - 1) / plan_sizes_.max_rows;
  return n_rows * n_pieces + 2 * plan_sizes_.n_slots;
}

UploadCounts CudaBackend::counts_of(const StepBatch& batch, bool is_decode) const {
  UploadCounts counts;
  counts.n_tokens = is_decode ? bucket_of(batch.n_tokens) : batch.n_tokens;
  counts.n_samples = is_decode ? counts.n_tokens : batch.n_samples;
  counts.n_slots = plan_sizes_.n_slots;
  counts.n_segments = is_decode ? segments_of_bucket(counts.n_tokens)
                                : static_cast<std::int32_t>(planner_.decode_plan.segments.size());
  counts.n_tiles = static_cast<std::int32_t>(planner_.prefill_tiles.size());
  counts.n_blocks = static_cast<std::int32_t>(batch.blocks.size());
  return counts;
}

// Prompts that go through decode attention read their keys half as often in tiles of twice the rows.
void CudaBackend::plan_attention_of(const StepBatch& batch) {
  const bool has_prompts = batch.n_tokens > kMaxDecodeTokens * batch.n_seqs;
  plan_sizes_.max_rows = has_prompts && !has_prefill_ ? 2 * kAttentionRows : kAttentionRows;
  planner_.plan(batch, has_prefill_ ? kMaxDecodeTokens : sizes_.limits.max_num_batched_tokens,
                plan_sizes_);
}

void CudaBackend::begin_step(const StepBatch& batch) {
  CHECK(n_begun_ - n_collected_ <= kLag, "{} steps wait to be collected", n_begun_ - n_collected_);
  CHECK(batch.n_tokens <= sizes_.limits.max_num_batched_tokens, "a step of {} tokens, at most {}",
        batch.n_tokens, sizes_.limits.max_num_batched_tokens);
  Flight& step = flight(n_begun_++);
  plan_attention_of(batch);
  // One token of each sequence, each with its logits: what repeats step after step.
  is_decode_ = batch.n_tokens == batch.n_seqs && batch.n_samples == batch.n_tokens &&
               batch.n_tokens <= std::min(kHeadRows, buckets_.back());
  key_ = {};
  step.n_wanted_logits = step.n_wanted_hidden = 0;
  for (const SampleRow& row : batch.samples) {
    key_.draws |= row.draws != 0 && row.temperature > 0.0f;
    key_.reports |= row.n_logprobs >= 0;
    step.n_wanted_logits += row.wants_logits;
    step.n_wanted_hidden += row.wants_hidden;
  }
  is_decode_ = is_decode_ && step.n_wanted_hidden + step.n_wanted_logits == 0;
  counts_ = counts_of(batch, is_decode_);
  layout_ = UploadLayout(counts_);
  n_tokens_ = key_.n_rows = counts_.n_tokens;
  key_.n_segments = counts_.n_segments;
  n_samples_ = counts_.n_samples;
  key_.one_row = takes_one_row(batch);
  step.samples.assign(batch.samples.begin(), batch.samples.end());

  check(cudaEventSynchronize(step.uploaded), "waiting for an upload");  // of kRing steps ago
  fill_upload(batch, planner_, counts_, step.upload.data());
  check(cudaMemcpyAsync(upload_.data(), step.upload.data(), static_cast<std::size_t>(layout_.end),
                        cudaMemcpyHostToDevice, context_.stream()),
        "uploading a step");
  check(cudaEventRecord(step.uploaded, context_.stream()), "recording an event");
  upload_pools(batch);
  reset_histories(batch);
}

// What few steps have. From pageable memory: these calls return when it was read.
void CudaBackend::upload_pools(const StepBatch& batch) {
  const cudaStream_t stream = context_.stream();
  copy_down(biases_, batch.biases, stream);
  copy_down(banned_ids_, batch.banned_ids, stream);
  copy_down(masks_, batch.masks, stream);
}

void CudaBackend::reset_histories(const StepBatch& batch) {
  if (batch.history_resets.empty()) return;
  std::vector<HistoryRange> ranges;
  std::vector<TokenId> ids;
  for (const HistoryReset& reset : batch.history_resets) {
    HistoryRange range;
    range.row_slot = reset.row_slot;
    range.prompt_begin = static_cast<std::int32_t>(ids.size());
    range.n_prompt = static_cast<std::int32_t>(reset.prompt_ids.size());
    ids.insert(ids.end(), reset.prompt_ids.begin(), reset.prompt_ids.end());
    range.output_begin = static_cast<std::int32_t>(ids.size());
    range.n_output = static_cast<std::int32_t>(reset.output_ids.size());
    ids.insert(ids.end(), reset.output_ids.begin(), reset.output_ids.end());
    ranges.push_back(range);
  }
  copy_down(history_ids_, std::span<const TokenId>(ids), context_.stream());
  copy_down(history_ranges_, std::span<const HistoryRange>(ranges), context_.stream());
  launch_reset_histories(context_, sizes_.vocab_size, history_ranges_.as<HistoryRange>(),
                         static_cast<std::int32_t>(ranges.size()), history_ids_.as<TokenId>(),
                         state_);
}

void CudaBackend::run(Recipe kind, function_ref<void()> recipe) {
  key_.one_row = key_.one_row && kind == Recipe::replayable;
  if (is_decode_ && kind == Recipe::replayable) {
    replay(key_, recipe);
  } else {
    recipe();
  }
  download();
}

void CudaBackend::replay(const GraphKey& key, function_ref<void()> recipe) {
  Graph& graph = graphs_[key];
  // The first time loads kernels and chooses algorithms, which cannot be recorded.
  if (graph.n_seen++ == 0 || context_.checks_each_launch()) return recipe();
  if (graph.executable == nullptr) {
    cudaGraph_t recorded = nullptr;
    check(cudaStreamBeginCapture(context_.stream(), cudaStreamCaptureModeRelaxed),
          "recording a step");
    recipe();
    check(cudaStreamEndCapture(context_.stream(), &recorded), "recording a step");
    check(cudaGraphInstantiate(&graph.executable, recorded, 0), "recording a step");
    check(cudaGraphDestroy(recorded), "recording a step");
  }
  check(cudaGraphLaunch(graph.executable, context_.stream()), "launching a step");
}

void CudaBackend::download() {
  Flight& step = flight(n_begun_ - 1);
  const auto n = static_cast<std::int64_t>(step.samples.size());
  const auto copy_up = [&](std::int64_t begin, std::int64_t end) {
    check(cudaMemcpyAsync(step.results.data() + begin, results_.data() + begin,
                          static_cast<std::size_t>(end - begin), cudaMemcpyDeviceToHost,
                          context_.stream()),
          "downloading results");
  };
  if (n > 0 && key_.reports) {
    copy_up(0, places_.reports + n * static_cast<std::int64_t>(sizeof(RowReport)));
    const std::int64_t n_top = n * std::max(sizes_.max_logprobs, 1) * 4;
    copy_up(places_.top_ids, places_.top_ids + n_top);
    copy_up(places_.top_logits, places_.top_logits + n_top);
  } else if (n > 0) {
    copy_up(0, n * 4);
  }
  check(cudaEventRecord(step.done, context_.stream()), "recording an event");
}

const StepOutput& CudaBackend::collect() {
  CHECK(n_collected_ < n_begun_, "no step waits to be collected");
  Flight& step = flight(n_collected_++);
  check(cudaEventSynchronize(step.done), "computing a step");
  const std::size_t n = step.samples.size();
  step.output.token_ids = {step.results.as<TokenId>(), n};
  const auto* reports = reinterpret_cast<const RowReport*>(step.results.data() + places_.reports);
  const auto max_top = static_cast<std::size_t>(std::max(sizes_.max_logprobs, 1));
  for (std::size_t i = 0; i < n; ++i) {
    if (step.samples[i].n_logprobs < 0 || step.output.token_ids[i] == kNotFinite) continue;
    const auto top = static_cast<std::int64_t>(i * max_top) * 4;
    read_report(reports[i],
                reinterpret_cast<const TokenId*>(step.results.data() + places_.top_ids + top),
                reinterpret_cast<const float*>(step.results.data() + places_.top_logits + top),
                step.logprobs[i]);
  }
  step.output.logprobs = {step.logprobs.data(), n};
  step.output.logits = {step.logits.as<float>(), static_cast<std::size_t>(step.n_wanted_logits) *
                                                     static_cast<std::size_t>(sizes_.vocab_size)};
  step.output.hidden = {step.hidden.as<float>(), static_cast<std::size_t>(step.n_wanted_hidden) *
                                                     static_cast<std::size_t>(sizes_.hidden_size)};
  return step.output;
}

void CudaBackend::copy_hidden(std::span<float> out) const {
  context_.synchronise();
  check(cudaMemcpy(out.data(), hidden_.data(), out.size_bytes(), cudaMemcpyDeviceToHost),
        "copying hidden states");
}

}  // namespace tinyllm::cuda

#include "runner/batch_builder.h"

#include <algorithm>

#include "base/check.h"

namespace tinyllm {
namespace {

std::int32_t count(const auto& values) { return static_cast<std::int32_t>(values.size()); }

bool has_penalties(const SamplingParams& params) {
  return params.repetition_penalty != 1.0f || params.presence_penalty != 0.0f ||
         params.frequency_penalty != 0.0f;
}

}  // namespace

BatchBuilder::BatchBuilder(const RunnerSizes& sizes) : sizes_(sizes) {
  const auto n_tokens = static_cast<std::size_t>(sizes.limits.max_num_batched_tokens);
  const auto n_seqs = static_cast<std::size_t>(sizes.limits.max_num_seqs);
  token_ids_.reserve(n_tokens);
  positions_.reserve(n_tokens);
  slot_mapping_.reserve(n_tokens);
  for (auto* array : {&seq_starts_, &row_slots_, &adapter_slots_, &block_starts_})
    array->reserve(n_seqs + 1);
  blocks_.reserve(n_seqs * static_cast<std::size_t>(sizes.max_blocks_per_seq()));
  masks_.reserve(n_seqs * static_cast<std::size_t>(mask_words(sizes.vocab_size)));
  history_resets_.reserve(n_seqs);
}

void BatchBuilder::clear() {
  const auto clear_all = [](auto&... arrays) { (arrays.clear(), ...); };
  clear_all(token_ids_, positions_, slot_mapping_, seq_starts_, row_slots_, adapter_slots_,
            block_starts_, blocks_, biases_, banned_ids_, masks_, history_resets_);
  seq_starts_.push_back(0);
  block_starts_.push_back(0);
}

void BatchBuilder::add_row(const PlanRow& row) {
  for (std::int32_t i = 0; i < row.n_new_tokens; ++i) {
    const std::int64_t position = row.start + i;
    const BlockId block =
        row.block_table[static_cast<std::size_t>(position / sizes_.kv.block_size)];
    token_ids_.push_back(row.last_sampled ? kLastSampled
                                          : row.token_ids[static_cast<std::size_t>(i)]);
    positions_.push_back(static_cast<std::int32_t>(position));
    slot_mapping_.push_back(block * sizes_.kv.block_size +
                            static_cast<std::int32_t>(position % sizes_.kv.block_size));
  }
  CHECK(std::ssize(row.block_table) <= sizes_.max_blocks_per_seq(),
        "a table of {} blocks, at most {}", row.block_table.size(), sizes_.max_blocks_per_seq());
  seq_starts_.push_back(count(token_ids_));
  row_slots_.push_back(row.row_slot);
  adapter_slots_.push_back(row.adapter_slot);
  // In place of blocks that were given back stands the one behind them, whose rows are masked there.
  const auto gap = std::find_if_not(row.block_table.rbegin(), row.block_table.rend(), is_held);
  const BlockId stand_in = gap == row.block_table.rend() ? row.block_table.back() : *gap.base();
  for (const BlockId block : row.block_table) blocks_.push_back(is_held(block) ? block : stand_in);
  block_starts_.push_back(count(blocks_));
}

SampleRow BatchBuilder::common_part(const PlanRow& row, const RowSettings& settings) {
  const SamplingParams& params = *settings.params;
  SampleRow sample;
  sample.row_slot = row.row_slot;
  sample.temperature = params.temperature;
  sample.top_k = params.top_k;
  sample.top_p = params.top_p;
  sample.min_p = params.min_p;
  sample.repetition_penalty = params.repetition_penalty;
  sample.presence_penalty = params.presence_penalty;
  sample.frequency_penalty = params.frequency_penalty;
  sample.seed = params.seed;
  sample.bias_begin = count(biases_);
  sample.n_biases = count(params.logit_bias);
  biases_.insert(biases_.end(), params.logit_bias.begin(), params.logit_bias.end());
  sample.ban_begin = count(banned_ids_);
  sample.n_bans = count(settings.banned_ids);
  banned_ids_.insert(banned_ids_.end(), settings.banned_ids.begin(), settings.banned_ids.end());
  return sample;
}

// Puts a row's masks behind the others. The index of the first; -1: there are none.
std::int32_t BatchBuilder::add_masks(const PlanRow& row, const RowSettings& settings) {
  if (settings.masks.empty()) return -1;
  const std::int64_t n_words = mask_words(sizes_.vocab_size);
  CHECK(std::ssize(settings.masks) == row.n_draws * n_words, "masks of {} words, want {} of {}",
        settings.masks.size(), row.n_draws, n_words);
  const auto first = static_cast<std::int32_t>(std::ssize(masks_) / n_words);
  masks_.insert(masks_.end(), settings.masks.begin(), settings.masks.end());
  return first;
}

void BatchBuilder::add_samples(const PlanRow& row, const RowSettings& settings,
                               std::vector<SampleRow>& samples) {
  const auto n_prompt = std::ssize(settings.prompt_ids);
  const SampleRow common = common_part(row, settings);
  const std::int32_t first_mask = add_masks(row, settings);
  for (std::int32_t n_behind = row.n_logits - 1; n_behind >= 0; --n_behind) {
    // Index in the sequence of the token that these logits predict.
    const std::int64_t next = row.start + row.n_new_tokens - n_behind;
    const bool in_prompt = next < n_prompt;
    SampleRow& sample = samples.emplace_back(common);
    sample.token_idx = count(token_ids_) - 1 - n_behind;
    sample.position = static_cast<std::uint64_t>(next);
    sample.draws = n_behind < row.n_draws ? 1 : 0;
    if (sample.draws != 0 && first_mask >= 0)
      sample.mask_idx = first_mask + row.n_draws - 1 - n_behind;
    if (sample.draws != 0 && n_behind > 0)
      sample.draft = token_ids_[static_cast<std::size_t>(sample.token_idx) + 1];
    if (!settings.params->bans_stop_ids(next - n_prompt)) sample.n_bans = 0;
    sample.n_logprobs = sample.draws != 0 ? settings.params->n_logprobs
                        : in_prompt       ? settings.prompt_logprobs
                                          : -1;
    if (in_prompt) sample.logprob_of = settings.prompt_ids[static_cast<std::size_t>(next)];
    const bool is_last_known = n_behind == std::max(row.n_draws, 1) - 1;
    sample.wants_logits = is_last_known && settings.wants_logits ? 1 : 0;
    sample.wants_hidden = is_last_known && settings.wants_hidden ? 1 : 0;
  }
  if (row.begins_to_draw && has_penalties(*settings.params))
    history_resets_.push_back({row.row_slot, settings.prompt_ids, settings.output_ids});
}

StepBatch BatchBuilder::batch(std::span<const SampleRow> samples) const {
  StepBatch batch;
  batch.n_tokens = count(token_ids_);
  batch.n_seqs = count(row_slots_);
  batch.n_samples = count(samples);
  batch.token_ids = token_ids_;
  batch.positions = positions_;
  batch.slot_mapping = slot_mapping_;
  batch.seq_starts = seq_starts_;
  batch.row_slots = row_slots_;
  batch.adapter_slots = adapter_slots_;
  batch.block_starts = block_starts_;
  batch.blocks = blocks_;
  batch.samples = samples;
  batch.biases = biases_;
  batch.banned_ids = banned_ids_;
  batch.masks = masks_;
  batch.history_resets = history_resets_;
  return batch;
}

}  // namespace tinyllm

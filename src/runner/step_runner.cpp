#include "runner/step_runner.h"

#include <algorithm>

#include "base/check.h"

namespace tinyllm {

// What ForwardBatch and SampleBatch look at.
struct StepRunner::Arrays {
  explicit Arrays(const RunnerSizes& sizes);

  void clear();
  void add_row(const PlanRow& row, const RunnerSizes& sizes);
  void add_logits_rows(const PlanRow& row, const RowSettings& settings);
  ForwardBatch forward_batch(const RunnerSizes& sizes) const;
  SampleBatch sample_batch() const;
  // Of a plan row whose logits rows begin at `first`; counts the rows that wanted their logits.
  RowOutput row_output(const PlanRow& row, std::size_t first, const StepOutput& output,
                       std::size_t& n_wanted) const;

  std::vector<std::int32_t> token_ids, positions, slot_mapping;   // [tokens]
  std::vector<std::int32_t> row_starts, row_slots, block_tables;  // [rows]
  std::vector<std::int32_t> logits_tokens;                        // [logits rows], and all below
  std::vector<std::int32_t> sample_slots, top_k, n_logprobs;
  std::vector<std::uint8_t> draws, want_logits;
  std::vector<float> temperature, top_p, min_p, repetition, presence, frequency;
  std::vector<std::uint64_t> seed, position;
  std::vector<TokenId> logprob_of;
  std::vector<std::span<const std::pair<TokenId, float>>> biases;
  std::vector<std::span<const TokenId>> banned_ids, prompt_ids, output_ids;
  std::vector<std::span<const std::uint32_t>> masks;
  std::vector<std::int32_t> first_logits_row;  // [plan rows]
};

StepRunner::Arrays::Arrays(const RunnerSizes& sizes) {
  const auto n_tokens = static_cast<std::size_t>(sizes.limits.max_num_batched_tokens);
  const auto n_rows = static_cast<std::size_t>(sizes.limits.max_num_seqs);
  const auto n_logits = n_tokens;  // prompt logprobs want every row
  for (auto* array : {&token_ids, &positions, &slot_mapping}) array->reserve(n_tokens);
  row_starts.reserve(n_rows + 1);
  row_slots.reserve(n_rows);
  first_logits_row.reserve(n_rows);
  block_tables.reserve(n_rows * static_cast<std::size_t>(sizes.max_blocks_per_row()));
  const auto reserve = [n_logits](auto&... arrays) { (arrays.reserve(n_logits), ...); };
  reserve(logits_tokens, sample_slots, top_k, n_logprobs, draws, want_logits, temperature, top_p,
          min_p, repetition, presence, frequency, seed, position, logprob_of, biases, banned_ids,
          prompt_ids, output_ids, masks);
}

void StepRunner::Arrays::clear() {
  const auto clear_all = [](auto&... arrays) { (arrays.clear(), ...); };
  clear_all(token_ids, positions, slot_mapping, row_starts, row_slots, block_tables, logits_tokens,
            sample_slots, top_k, n_logprobs, draws, want_logits, temperature, top_p, min_p,
            repetition, presence, frequency, seed, position, logprob_of, biases, banned_ids,
            prompt_ids, output_ids, masks, first_logits_row);
  row_starts.push_back(0);
}

void StepRunner::Arrays::add_row(const PlanRow& row, const RunnerSizes& sizes) {
  for (std::int32_t i = 0; i < row.n_new_tokens; ++i) {
    const std::int64_t place = row.start + i;
    const BlockId block = row.block_table[static_cast<std::size_t>(place / sizes.kv.block_size)];
    token_ids.push_back(row.last_sampled ? kLastSampled
                                         : row.token_ids[static_cast<std::size_t>(i)]);
    positions.push_back(static_cast<std::int32_t>(place));
    slot_mapping.push_back(block * sizes.kv.block_size +
                           static_cast<std::int32_t>(place % sizes.kv.block_size));
  }
  row_starts.push_back(static_cast<std::int32_t>(token_ids.size()));
  row_slots.push_back(row.row_slot);
  const auto n_blocks = static_cast<std::size_t>(sizes.max_blocks_per_row());
  CHECK(row.block_table.size() <= n_blocks, "a table of {} blocks, at most {}",
        row.block_table.size(), n_blocks);
  block_tables.insert(block_tables.end(), row.block_table.begin(), row.block_table.end());
  block_tables.resize(row_slots.size() * n_blocks, 0);
}

void StepRunner::Arrays::add_logits_rows(const PlanRow& row, const RowSettings& settings) {
  const SamplingParams& params = *settings.params;
  const auto row_end = static_cast<std::int32_t>(token_ids.size());
  for (std::int32_t i = row.n_logits - 1; i >= 0; --i) {
    const bool drawn = i == 0 && row.samples;
    const std::int64_t next =
        row.start + row.n_new_tokens - i;  // index of the token that the row predicts
    const bool in_prompt = next < static_cast<std::int64_t>(settings.prompt_ids.size());
    const bool bans = static_cast<int>(settings.output_ids.size()) < params.min_tokens;
    logits_tokens.push_back(row_end - 1 - i);
    sample_slots.push_back(row.row_slot);
    draws.push_back(drawn ? 1 : 0);
    temperature.push_back(params.temperature);
    top_k.push_back(params.top_k);
    top_p.push_back(params.top_p);
    min_p.push_back(params.min_p);
    seed.push_back(params.seed);
    position.push_back(static_cast<std::uint64_t>(next));
    biases.push_back(params.logit_bias);
    banned_ids.push_back(bans ? settings.banned_ids : std::span<const TokenId>());
    masks.emplace_back();
    repetition.push_back(params.repetition_penalty);
    presence.push_back(params.presence_penalty);
    frequency.push_back(params.frequency_penalty);
    prompt_ids.push_back(settings.prompt_ids);
    output_ids.push_back(settings.output_ids);
    n_logprobs.push_back(drawn ? params.n_logprobs : in_prompt ? settings.prompt_logprobs : -1);
    logprob_of.push_back(in_prompt ? settings.prompt_ids[static_cast<std::size_t>(next)] : -1);
    want_logits.push_back(i == 0 && settings.wants_logits ? 1 : 0);
  }
}

ForwardBatch StepRunner::Arrays::forward_batch(const RunnerSizes& sizes) const {
  ForwardBatch batch;
  batch.n_tokens = static_cast<std::int32_t>(token_ids.size());
  batch.n_rows = static_cast<std::int32_t>(row_slots.size());
  batch.token_ids = token_ids;
  batch.positions = positions;
  batch.slot_mapping = slot_mapping;
  batch.row_starts = row_starts;
  batch.row_slots = row_slots;
  batch.block_tables = block_tables;
  batch.max_blocks_per_row = sizes.max_blocks_per_row();
  batch.logits_tokens = logits_tokens;
  return batch;
}

SampleBatch StepRunner::Arrays::sample_batch() const {
  SampleBatch batch;
  batch.n_rows = static_cast<std::int32_t>(logits_tokens.size());
  batch.row_slots = sample_slots;
  batch.draws = draws;
  batch.temperature = temperature;
  batch.top_k = top_k;
  batch.top_p = top_p;
  batch.min_p = min_p;
  batch.seed = seed;
  batch.position = position;
  batch.biases = biases;
  batch.banned_ids = banned_ids;
  batch.masks = masks;
  batch.repetition_penalty = repetition;
  batch.presence_penalty = presence;
  batch.frequency_penalty = frequency;
  batch.prompt_ids = prompt_ids;
  batch.output_ids = output_ids;
  batch.n_logprobs = n_logprobs;
  batch.logprob_of = logprob_of;
  batch.want_logits = want_logits;
  return batch;
}

RowOutput StepRunner::Arrays::row_output(const PlanRow& row, std::size_t first,
                                         const StepOutput& output, std::size_t& n_wanted) const {
  RowOutput of_row;
  const auto n_rows = static_cast<std::size_t>(row.n_logits);
  const std::size_t last = first + n_rows - 1;
  const bool wanted = want_logits[last] != 0;
  const std::span<const float> logits =
      wanted ? output.logits.subspan(output.vocab_size * n_wanted++, output.vocab_size)
             : std::span<const float>();
  const std::span<const TokenId> drawn = output.token_ids.subspan(first, n_rows);
  of_row.not_finite = std::ranges::find(drawn, kNotFinite) != drawn.end();
  if (of_row.not_finite) return of_row;
  of_row.logits = logits;
  if (row.samples) of_row.token_id = output.token_ids[last];
  if (row.samples && n_logprobs[last] >= 0) of_row.logprobs = &output.logprobs[last];
  std::size_t n_reports = 0;
  while (n_reports < n_rows && draws[first + n_reports] == 0 && n_logprobs[first + n_reports] >= 0)
    ++n_reports;
  of_row.prompt_logprobs = output.logprobs.subspan(first, n_reports);
  return of_row;
}

StepRunner::StepRunner(Decoder& decoder, Backend& backend, const RunnerSizes& sizes)
    : decoder_(&decoder),
      backend_(&backend),
      sizes_(sizes),
      arrays_(std::make_unique<Arrays>(sizes)) {}

StepRunner::~StepRunner() = default;

void StepRunner::run(const StepPlan& plan, function_ref<RowSettings(const PlanRow&)> settings_of,
                     function_ref<void(const PlanRow&, const RowOutput&)> result) {
  Arrays& arrays = *arrays_;
  arrays.clear();
  for (const PlanRow& row : plan.rows) {
    arrays.add_row(row, sizes_);
    arrays.first_logits_row.push_back(static_cast<std::int32_t>(arrays.logits_tokens.size()));
    if (row.n_logits > 0) arrays.add_logits_rows(row, settings_of(row));
  }
  decoder_->step(arrays.forward_batch(sizes_), arrays.sample_batch());
  const StepOutput& output = backend_->collect();

  std::size_t n_wanted = 0;
  for (std::size_t i = 0; i < plan.rows.size(); ++i) {
    const PlanRow& row = plan.rows[i];
    const auto first = static_cast<std::size_t>(arrays.first_logits_row[i]);
    result(row, row.n_logits > 0 ? arrays.row_output(row, first, output, n_wanted) : RowOutput());
  }
}

}  // namespace tinyllm

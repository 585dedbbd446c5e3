#include "kernels/cpu/cpu_head.h"

#include <algorithm>

#include "base/check.h"
#include "sampling/argmax.h"
#include "sampling/finite.h"
#include "sampling/logprobs.h"
#include "sampling/process_logits.h"

namespace tinyllm {

void CpuHead::configure(const BackendSizes& sizes) {
  sizes_ = sizes;
  rows_ = InputRows(kMaxRows, sizes.hidden_size);
  logits_ = Buffer(kMaxRows * whole_panels(sizes.vocab_size) * 4, "logits");
  last_drawn_.resize(sizes.limits.max_num_seqs);
  workspaces_.resize(pool_->n_workers());
  for (SamplerWorkspace& workspace : workspaces_) grow(workspace, sizes.vocab_size);
  places_.resize(sizes.vocab_size);
  for (std::int32_t slot = 0; slot < sizes.limits.max_num_seqs; ++slot)
    histories_.emplace_back(std::min(sizes.limits.max_model_len, sizes.vocab_size));
  drawn_.resize(sizes.max_samples);
  logprobs_.resize(sizes.max_samples);
  for (TokenLogprobs& logprobs : logprobs_) logprobs.top.reserve(sizes.max_logprobs);
  wanted_.resize(sizes.max_samples);
  wanted_logits_ = Buffer(std::int64_t{sizes.max_wanted_logits} * sizes.vocab_size * 4, "logits");
  wanted_hidden_ =
      Buffer(std::int64_t{sizes.max_wanted_hidden} * sizes.hidden_size * 4, "hidden states");
}

void CpuHead::begin_step(const StepBatch& batch) {
  batch_ = batch;
  for (const HistoryReset& reset : batch.history_resets)
    histories_[reset.row_slot].reset(reset.prompt_ids, reset.output_ids, places_);
}

void CpuHead::begin_output() {
  CHECK(batch_.n_samples <= sizes_.max_samples, "{} rows of logits, at most {}", batch_.n_samples,
        sizes_.max_samples);
  std::int64_t n_logits = 0, n_hidden = 0;
  for (std::int32_t i = 0; i < batch_.n_samples; ++i) {
    const SampleRow& sample = batch_.samples[i];
    wanted_[i].logits = sample.wants_logits != 0 ? static_cast<std::int32_t>(n_logits++) : -1;
    wanted_[i].hidden = sample.wants_hidden != 0 ? static_cast<std::int32_t>(n_hidden++) : -1;
  }
  CHECK(n_logits <= sizes_.max_wanted_logits, "{} rows want logits, at most {}", n_logits,
        sizes_.max_wanted_logits);
  CHECK(n_hidden <= sizes_.max_wanted_hidden, "{} rows want hidden states, at most {}", n_hidden,
        sizes_.max_wanted_hidden);
  output_ = {std::span(drawn_).first(batch_.n_samples),
             std::span(logprobs_).first(batch_.n_samples),
             wanted_logits_.as<float>().first(n_logits * sizes_.vocab_size),
             wanted_hidden_.as<float>().first(n_hidden * sizes_.hidden_size)};
}

void CpuHead::normalise(const HeadWeights& head, const float* hidden, std::int64_t first,
                        std::int64_t n_rows) {
  const float* norm = weights_->vector(head.final_norm);
  const RowForms forms = weights_->matrix(head.lm_head).reads();
  const std::int64_t hidden_size = sizes_.hidden_size;
  for (std::int64_t i = 0; i < n_rows; ++i) {
    const float* x = hidden + batch_.samples[first + i].token_idx * hidden_size;
    kernels_->rms_norm(x, norm, rows_.row(i), hidden_size, head.norm_eps);
    rows_.convert(*kernels_, forms, i, kFineSplit);
    const std::int64_t wanted = wanted_[first + i].hidden;
    if (wanted < 0) continue;
    std::copy_n(rows_.row(i), hidden_size,
                wanted_hidden_.as<float>().data() + wanted * hidden_size);
  }
}

void CpuHead::run(const HeadWeights& head, const float* hidden) {
  begin_output();
  const PackedMatrix& weights = weights_->matrix(head.lm_head);
  const std::int64_t stride = weights.n_padded_rows();
  float* logits = logits_.as<float>().data();
  for (std::int64_t first = 0; first < batch_.n_samples; first += kMaxRows) {
    const std::int64_t n_rows = std::min<std::int64_t>(kMaxRows, batch_.n_samples - first);
    normalise(head, hidden, first, n_rows);
    profile_->mark(StepPart::norm);
    linear_->store(weights, {rows_, n_rows}, logits, stride);
    profile_->mark(StepPart::head, weights, n_rows);
    // A row and those that depend on its draft are one task: each waits for the draw before it.
    pool_->parallel_for(n_rows, 1, [&](int worker_idx, std::int64_t task, std::int64_t) {
      if (task > 0 && depends(first + task)) return;
      std::int64_t i = task;
      do {
        sample(first + i, std::span(logits + i * stride, std::size_t(sizes_.vocab_size)),
               workspaces_[worker_idx]);
      } while (++i < n_rows && depends(first + i));
    });
    profile_->mark(StepPart::sampling);
  }
}

void CpuHead::sample(std::int64_t i, std::span<float> logits, SamplerWorkspace& workspace) {
  const SampleRow& sample = batch_.samples[i];
  if (wanted_[i].logits >= 0) {
    std::ranges::copy(logits, wanted_logits_.as<float>().begin() +
                                  std::int64_t{wanted_[i].logits} * sizes_.vocab_size);
  }
  drawn_[i] = -1;
  if (!holds(i)) return;
  if (!all_finite(logits)) {
    drawn_[i] = kNotFinite;
    if (sample.draws != 0) last_drawn_[sample.row_slot] = 0;
    return;
  }
  if (sample.draws != 0) drawn_[i] = draw(sample, logits, workspace);
  if (sample.n_logprobs < 0) return;
  const TokenId reported = sample.draws != 0 ? drawn_[i] : sample.logprob_of;
  const float max_logit = logits[argmax(logits)];
  fill_logprobs(logits, max_logit, reported, sample.n_logprobs,
                std::span(workspace.weights).first(logits.size()), workspace.candidates,
                logprobs_[i]);
}

TokenId CpuHead::draw(const SampleRow& sample, std::span<const float> logits,
                      SamplerWorkspace& workspace) {
  LogitsChanges changes;
  if (sample.mask_idx >= 0) {
    const std::int64_t n_words = mask_words(sizes_.vocab_size);
    changes.mask = batch_.masks.subspan(sample.mask_idx * n_words, n_words);
  }
  changes.banned_ids = batch_.banned_ids.subspan(sample.ban_begin, sample.n_bans);
  changes.biases = batch_.biases.subspan(sample.bias_begin, sample.n_biases);
  changes.penalties = {sample.repetition_penalty, sample.frequency_penalty,
                       sample.presence_penalty};
  TokenHistory& history = histories_[sample.row_slot];
  changes.history = &history;
  const std::span<float> processed = std::span(workspace.logits).first(logits.size());
  std::ranges::copy(logits, processed.begin());
  process_logits(processed, changes);
  const TokenId token_id = choose_token(
      processed,
      {sample.temperature, sample.top_k, sample.top_p, sample.min_p, sample.seed, sample.position},
      workspace);
  if (changes.penalties != Penalties{}) history.append(token_id);
  last_drawn_[sample.row_slot] = token_id;
  return token_id;
}

}  // namespace tinyllm

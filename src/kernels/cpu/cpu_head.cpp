// From hidden states to tokens: final norm, head, processors, draw, reports.

#include <algorithm>

#include "base/check.h"
#include "kernels/cpu/cpu_backend.h"
#include "sampling/argmax.h"
#include "sampling/choose_token.h"
#include "sampling/finite.h"
#include "sampling/logprobs.h"
#include "sampling/process_logits.h"

namespace tinyllm {

void CpuBackend::begin_output() {
  CHECK(batch_.n_samples <= sizes_.max_samples, "{} rows of logits, at most {}", batch_.n_samples,
        sizes_.max_samples);
  std::int32_t n_logits = 0, n_hidden = 0;
  for (std::size_t i = 0; i < batch_.samples.size(); ++i) {
    wanted_[i].logits = batch_.samples[i].wants_logits != 0 ? n_logits++ : -1;
    wanted_[i].hidden = batch_.samples[i].wants_hidden != 0 ? n_hidden++ : -1;
  }
  CHECK(n_logits <= sizes_.max_wanted_logits, "{} rows want logits, at most {}", n_logits,
        sizes_.max_wanted_logits);
  CHECK(n_hidden <= sizes_.max_wanted_hidden, "{} rows want hidden states, at most {}", n_hidden,
        sizes_.max_wanted_hidden);
  const auto n_values = [](std::int32_t n_rows, std::int32_t row_size) {
    return static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(row_size);
  };
  const auto n = static_cast<std::size_t>(batch_.n_samples);
  output_ = {std::span(drawn_).first(n), std::span(logprobs_).first(n),
             wanted_logits_.as<float>().first(n_values(n_logits, sizes_.vocab_size)),
             wanted_hidden_.as<float>().first(n_values(n_hidden, sizes_.hidden_size))};
}

void CpuBackend::head(const HeadWeights& head) {
  begin_output();
  const PackedMatrix& weights = matrix(head.lm_head);
  const std::int64_t stride = weights.n_padded_rows();
  float* logits = logits_.as<float>().data();
  for (std::int64_t first = 0; first < batch_.n_samples; first += kHeadRows) {
    const std::int64_t n_rows = std::min<std::int64_t>(kHeadRows, batch_.n_samples - first);
    for (std::int64_t i = 0; i < n_rows; ++i) {
      const auto at = static_cast<std::size_t>(first + i);
      normalise(hidden_row(batch_.samples[at].token_idx), head.final_norm, head.norm_eps, weights,
                kSplitMore, i);
      if (wanted_[at].hidden < 0) continue;
      std::copy_n(normed_.row(i), sizes_.hidden_size,
                  wanted_hidden_.as<float>().data() +
                      std::int64_t{wanted_[at].hidden} * sizes_.hidden_size);
    }
    mark(StepPart::norm);
    multiply_into(weights, normed_, n_rows, logits, stride);
    mark(StepPart::head, weights, n_rows);
    // A row and those that depend on its draft are one task: each waits for the draw before it.
    pool_->parallel_for(n_rows, 1, [&](int worker_idx, std::int64_t task, std::int64_t) {
      const auto depends = [&](std::int64_t i) {
        return batch_.samples[static_cast<std::size_t>(first + i) - 1].draft >= 0;
      };
      if (task > 0 && depends(task)) return;
      std::int64_t i = task;
      do {
        sample(static_cast<std::size_t>(first + i),
               {logits + i * stride, static_cast<std::size_t>(sizes_.vocab_size)},
               workspaces_[static_cast<std::size_t>(worker_idx)]);
      } while (++i < n_rows && depends(i));
    });
    mark(StepPart::sampling);
  }
}

bool CpuBackend::holds(std::size_t i) const {
  return i == 0 || batch_.samples[i - 1].draft < 0 || drawn_[i - 1] == batch_.samples[i - 1].draft;
}

void CpuBackend::sample(std::size_t i, std::span<float> logits, SamplerWorkspace& workspace) {
  const SampleRow& sample = batch_.samples[i];
  if (wanted_[i].logits >= 0) {
    std::ranges::copy(logits, wanted_logits_.as<float>().begin() +
                                  std::ptrdiff_t{wanted_[i].logits} * sizes_.vocab_size);
  }
  drawn_[i] = -1;
  if (!holds(i)) return;
  if (!all_finite(logits)) {
    drawn_[i] = kNotFinite;
    if (sample.draws != 0) last_drawn(sample.row_slot) = 0;
    return;
  }
  if (sample.draws != 0) drawn_[i] = draw(sample, logits, workspace);
  if (sample.n_logprobs < 0) return;
  const TokenId reported = sample.draws != 0 ? drawn_[i] : sample.logprob_of;
  const float max_logit = logits[static_cast<std::size_t>(argmax(logits))];
  fill_logprobs(logits, max_logit, reported, sample.n_logprobs,
                std::span(workspace.weights).first(logits.size()), workspace.candidates,
                logprobs_[i]);
}

TokenId CpuBackend::draw(const SampleRow& sample, std::span<const float> logits,
                         SamplerWorkspace& workspace) {
  const auto range = [](auto pool, std::int64_t begin, std::int64_t n) {
    return pool.subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(n));
  };
  LogitsChanges changes;
  if (sample.mask_idx >= 0) {
    const std::int64_t n_words = mask_words(sizes_.vocab_size);
    changes.mask = range(batch_.masks, sample.mask_idx * n_words, n_words);
  }
  changes.banned_ids = range(batch_.banned_ids, sample.ban_begin, sample.n_bans);
  changes.biases = range(batch_.biases, sample.bias_begin, sample.n_biases);
  changes.penalties = {sample.repetition_penalty, sample.frequency_penalty,
                       sample.presence_penalty};
  TokenHistory& history = histories_[static_cast<std::size_t>(sample.row_slot)];
  changes.history = &history;
  const std::span<float> processed = std::span(workspace.logits).first(logits.size());
  std::ranges::copy(logits, processed.begin());
  process_logits(processed, changes);
  const TokenId token_id = choose_token(
      processed,
      {sample.temperature, sample.top_k, sample.top_p, sample.min_p, sample.seed, sample.position},
      workspace);
  if (changes.penalties != Penalties{}) history.append(token_id);
  last_drawn(sample.row_slot) = token_id;
  return token_id;
}

}  // namespace tinyllm

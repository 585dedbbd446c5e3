// From hidden states to tokens: final norm, head, processors, draw, reports.

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "kernels/cpu/cpu_backend.h"
#include "sampling/argmax.h"
#include "sampling/choose_token.h"
#include "sampling/finite.h"
#include "sampling/logit_bias.h"
#include "sampling/logprobs.h"
#include "sampling/penalties.h"

namespace tinyllm {
namespace {

void apply_mask(std::span<float> logits, std::span<const std::uint32_t> mask) {
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const bool allowed = i / 32 < mask.size() && (mask[i / 32] >> (i % 32) & 1u) != 0;
    if (!allowed) logits[i] = -std::numeric_limits<float>::infinity();
  }
}

// vLLM's order: mask, banned ids and bias, penalties.
void process(const SampleBatch& samples, std::size_t row, std::span<float> logits,
             SamplerWorkspace& workspace) {
  if (!samples.masks[row].empty()) apply_mask(logits, samples.masks[row]);
  ban_tokens(logits, samples.banned_ids[row]);
  add_logit_bias(logits, samples.biases[row]);
  apply_penalties(logits,
                  {samples.repetition_penalty[row], samples.frequency_penalty[row],
                   samples.presence_penalty[row]},
                  samples.prompt_ids[row], samples.output_ids[row], workspace.counts);
}

}  // namespace

void CpuBackend::head(const HeadWeights& head, const SampleBatch& samples) {
  const PackedMatrix& weights = weights_.matrix(head.lm_head);
  const std::int64_t stride = weights.n_padded_rows();
  CHECK(samples.n_rows <= sizes_.max_logits_rows, "{} rows of logits, at most {}", samples.n_rows,
        sizes_.max_logits_rows);
  std::int32_t n_wanted = 0;
  for (std::size_t row = 0; row < static_cast<std::size_t>(samples.n_rows); ++row) {
    wanted_row_[row] = samples.want_logits[row] != 0 ? n_wanted++ : -1;
  }
  CHECK(n_wanted <= sizes_.max_wanted_logits, "{} rows want logits, at most {}", n_wanted,
        sizes_.max_wanted_logits);

  float* logits = logits_.as<float>().data();
  for (std::int64_t first = 0; first < samples.n_rows; first += kHeadRows) {
    const std::int64_t n_rows = std::min(kHeadRows, samples.n_rows - first);
    for (std::int64_t i = 0; i < n_rows; ++i) {
      const std::int32_t t = batch_.logits_tokens[static_cast<std::size_t>(first + i)];
      normalise(hidden_row(t), head.final_norm, head.norm_eps, weights, kFineSplit, i);
    }
    mark(StepPart::norm);
    linear_.store(weights, {normed_, n_rows}, logits, stride);
    mark(StepPart::head, weights, n_rows);
    pool_->parallel_for(n_rows, 1, [&](int worker_idx, std::int64_t i, std::int64_t) {
      sample(samples, static_cast<std::size_t>(first + i),
             {logits + i * stride, static_cast<std::size_t>(sizes_.vocab_size)},
             workspaces_[static_cast<std::size_t>(worker_idx)]);
    });
    mark(StepPart::sampling);
  }
  const auto n = static_cast<std::size_t>(samples.n_rows);
  const auto vocab_size = static_cast<std::size_t>(sizes_.vocab_size);
  output_ = {std::span(drawn_).first(n), std::span(logprobs_).first(n),
             wanted_logits_.as<float>().first(static_cast<std::size_t>(n_wanted) * vocab_size),
             vocab_size};
}

void CpuBackend::sample(const SampleBatch& samples, std::size_t row, std::span<float> logits,
                        SamplerWorkspace& workspace) {
  if (wanted_row_[row] >= 0) {
    std::ranges::copy(logits, wanted_logits_.as<float>().begin() +
                                  std::ptrdiff_t{wanted_row_[row]} * sizes_.vocab_size);
  }
  if (!all_finite(logits)) {
    drawn_[row] = kNotFinite;
    return;
  }
  TokenId token_id = -1;
  if (samples.draws[row] != 0) {
    const std::span<float> processed = std::span(workspace.logits).first(logits.size());
    std::ranges::copy(logits, processed.begin());
    process(samples, row, processed, workspace);
    token_id = choose_token(processed,
                            {samples.temperature[row], samples.top_k[row], samples.top_p[row],
                             samples.min_p[row], samples.seed[row], samples.position[row]},
                            workspace);
    last_drawn_.as<std::int32_t>()[static_cast<std::size_t>(samples.row_slots[row])] = token_id;
  }
  drawn_[row] = token_id;
  if (samples.n_logprobs[row] < 0) return;
  const TokenId reported = token_id >= 0 ? token_id : samples.logprob_of[row];
  const float max_logit = logits[static_cast<std::size_t>(argmax(logits))];
  fill_logprobs(logits, max_logit, reported, samples.n_logprobs[row],
                std::span(workspace.weights).first(logits.size()), workspace.candidates,
                logprobs_[row]);
}

}  // namespace tinyllm

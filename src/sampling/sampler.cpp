#include "sampling/sampler.h"

#include <limits>

#include "base/check.h"
#include "sampling/argmax.h"
#include "sampling/candidates.h"
#include "sampling/draw.h"
#include "sampling/exp2.h"
#include "sampling/logit_bias.h"
#include "sampling/logprobs.h"
#include "sampling/min_p.h"
#include "sampling/penalties.h"
#include "sampling/philox.h"
#include "sampling/temperature.h"
#include "sampling/top_k.h"
#include "sampling/top_p.h"

namespace tinyllm {
namespace {

void grow(SamplerWorkspace& workspace, std::size_t vocab_size) {
  if (workspace.logits.size() >= vocab_size) return;
  workspace.logits.resize(vocab_size);
  workspace.weights.resize(vocab_size);
  workspace.candidates.resize(vocab_size);
  workspace.counts.resize(vocab_size, 0);
}

void copy_without_nan(std::span<const float> from, std::span<float> to) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i] = from[i] == from[i] ? from[i] : -std::numeric_limits<float>::infinity();
  }
}

// min_tokens, logit_bias and penalties; each touches only the logits that it names.
void process(std::span<float> logits, const SamplingParams& params, const TokenHistory& history,
             std::span<const TokenId> eos_ids, std::span<std::int32_t> counts) {
  if (static_cast<std::int64_t>(history.output_ids.size()) < params.min_tokens) {
    ban_tokens(logits, eos_ids);
    ban_tokens(logits, params.stop_token_ids);
  }
  add_logit_bias(logits, params.logit_bias);
  const Penalties penalties = {params.repetition_penalty, params.frequency_penalty,
                               params.presence_penalty};
  if (penalties.repetition == 1.0f && penalties.frequency == 0.0f && penalties.presence == 0.0f) {
    return;
  }
  apply_penalties(logits, penalties, history.prompt_ids, history.output_ids, counts);
}

TokenId choose(std::span<const float> logits, const SamplingParams& params, std::uint64_t position,
               SamplerWorkspace& workspace) {
  const TokenId best = argmax(logits);
  const float max_logit = logits[static_cast<std::size_t>(best)];
  const bool nothing_possible = !(max_logit > -std::numeric_limits<float>::infinity());
  if (nothing_possible || params.temperature == 0.0f) return best;
  const std::span<float> weights = std::span(workspace.weights).first(logits.size());
  apply_temperature(logits, max_logit, params.temperature, weights);
  exp2_portable(weights);
  std::span<Candidate> candidates = workspace.candidates;
  candidates = candidates.first(collect_candidates(logits, weights, candidates));
  if (params.min_p > 0.0f) candidates = candidates.first(keep_min_p(candidates, params.min_p));
  candidates = candidates.first(keep_top_k(candidates, params.top_k));
  candidates = candidates.first(keep_top_p(candidates, params.top_p));
  return draw(candidates, random_bits(params.seed, position));
}

}  // namespace

TokenId sample_token(std::span<const float> logits, const SamplingParams& params,
                     const TokenHistory& history, std::span<const TokenId> eos_ids,
                     std::uint64_t position, SamplerWorkspace& workspace, TokenLogprobs* logprobs) {
  CHECK(!logits.empty(), "no logits at position {}", position);
  CHECK(params.n_logprobs < 0 || logprobs != nullptr, "n_logprobs is {}, but no place for them",
        params.n_logprobs);
  grow(workspace, logits.size());
  const std::span<float> row = std::span(workspace.logits).first(logits.size());
  copy_without_nan(logits, row);
  process(row, params, history, eos_ids, workspace.counts);
  const TokenId drawn = choose(row, params, position, workspace);
  if (params.n_logprobs >= 0) {
    copy_without_nan(logits, row);
    const float max_logit = row[static_cast<std::size_t>(argmax(row))];
    fill_logprobs(row, max_logit, drawn, params.n_logprobs,
                  std::span(workspace.weights).first(row.size()), workspace.candidates, *logprobs);
  }
  return drawn;
}

}  // namespace tinyllm

#include "sampling/sampler.h"

#include "base/check.h"
#include "sampling/argmax.h"
#include "sampling/choose_token.h"
#include "sampling/logit_bias.h"
#include "sampling/logprobs.h"
#include "sampling/process_logits.h"

namespace tinyllm {
namespace {

// The processors' order stands in process_logits; a params' stop ids are two lists here.
void process(std::span<float> logits, const SamplingParams& params, const TokenHistory& history,
             std::span<const TokenId> eos_ids) {
  const bool bans = params.bans_stop_ids(history.n_outputs());
  if (bans) ban_tokens(logits, eos_ids);
  process_logits(logits, {.banned_ids = bans ? params.stop_token_ids : std::span<const TokenId>(),
                          .biases = params.logit_bias,
                          .penalties = {params.repetition_penalty, params.frequency_penalty,
                                        params.presence_penalty},
                          .history = &history});
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
  process(row, params, history, eos_ids);
  const TokenId drawn = choose_token(
      row, {params.temperature, params.top_k, params.top_p, params.min_p, params.seed, position},
      workspace);
  if (params.n_logprobs >= 0) {
    copy_without_nan(logits, row);
    const float max_logit = row[static_cast<std::size_t>(argmax(row))];
    fill_logprobs(row, max_logit, drawn, params.n_logprobs,
                  std::span(workspace.weights).first(row.size()), workspace.candidates, *logprobs);
  }
  return drawn;
}

}  // namespace tinyllm

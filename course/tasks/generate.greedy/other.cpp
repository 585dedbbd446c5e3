// Another way to generate.greedy: a loop over the number of tokens, with the reasons checked before each step.
#include "reference/generate.h"

#include <algorithm>

#include "api/context_limit.h"
#include "base/clock.h"
#include "base/error.h"
#include "sampling/sampler.h"

tinyllm::reference::GenerateResult tinyllm::reference::generate(
    Model& model, std::span<const TokenId> prompt_ids, const SamplingParams& params,
    const GenerateOptions& options, function_ref<bool(TokenId token_id)> on_token) {
  if (prompt_ids.empty())
    fail(ErrorCode::invalid_input, "the prompt has no tokens, must have at least 1");
  require_room(std::ssize(prompt_ids), model.max_tokens());
  for (const TokenId id : prompt_ids) {
    if (id < 0 || id >= model.config().vocab_size) {
      fail(ErrorCode::invalid_input, "token id {} in the prompt, must be in [0, {})", id,
           model.config().vocab_size);
    }
  }
  GenerateResult result;
  std::vector<TokenId> sequence(prompt_ids.begin(), prompt_ids.end());
  std::vector<TokenId> ends = params.stop_token_ids;
  if (!params.ignore_eos) ends.insert(ends.end(), options.eos_ids.begin(), options.eos_ids.end());
  SamplerWorkspace workspace;
  TokenLogprobs logprobs;
  TokenHistory history;
  std::vector<std::int32_t> places(model.config().vocab_size, 0);
  history.reset(prompt_ids, {}, places);
  const auto n_prompt = std::ssize(prompt_ids);
  model.rewind(options.recompute ? 0 : std::min<std::int64_t>(model.n_computed(), n_prompt - 1));
  Stopwatch clock;
  std::span<const float> logits = model.forward(prompt_ids.subspan(model.n_computed()));
  result.prefill_s = clock.seconds();
  result.prompt_logits.assign(logits.begin(), logits.end());
  clock.restart();
  const std::int64_t room =
      std::min<std::int64_t>(params.max_tokens, model.max_tokens() - n_prompt);
  result.finish_reason = FinishReason::length;
  for (std::int64_t n = 0; n < room; ++n) {
    if (n > 0) {
      if (options.recompute) model.rewind(0);
      logits = model.forward(std::span(sequence).subspan(model.n_computed()));
    }
    const TokenId id = sample_token(logits, params, history, options.eos_ids, sequence.size(),
                                    workspace, &logprobs);
    if (std::find(ends.begin(), ends.end(), id) != ends.end()) {
      result.finish_reason = FinishReason::stop;
      result.end_id = id;
      break;
    }
    history.append(id);
    sequence.push_back(id);
    result.token_ids.push_back(id);
    if (params.n_logprobs >= 0) result.logprobs.push_back(logprobs);
    if (!on_token(id)) {
      result.finish_reason = FinishReason::cancelled;
      break;
    }
  }
  result.decode_s = clock.seconds();
  return result;
}

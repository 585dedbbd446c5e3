#include "reference/generate.h"

#include <algorithm>

#include "api/context_limit.h"
#include "base/clock.h"
#include "base/error.h"
#include "sampling/sampler.h"

namespace tinyllm::reference {
namespace {

void require_prompt(const Model& model, std::span<const TokenId> prompt_ids) {
  if (prompt_ids.empty()) {
    fail(ErrorCode::invalid_input, "the prompt has no tokens, must have at least 1");
  }
  require_room(std::ssize(prompt_ids), model.max_tokens());
  for (const TokenId id : prompt_ids) {
    if (id < 0 || id >= model.config().vocab_size) {
      fail(ErrorCode::invalid_input, "token id {} in the prompt, must be in [0, {})", id,
           model.config().vocab_size);
    }
  }
}

bool contains(const std::vector<TokenId>& ids, TokenId id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

[[maybe_unused]] bool ends_text(TokenId id, const SamplingParams& params,
                                const GenerateOptions& options) {
  return (!params.ignore_eos && contains(options.eos_ids, id)) ||
         contains(params.stop_token_ids, id);
}

}  // namespace

GenerateResult generate(Model& model, std::span<const TokenId> prompt_ids,
                        const SamplingParams& params, const GenerateOptions& options,
                        function_ref<bool(TokenId token_id)> on_token) {
  require_prompt(model, prompt_ids);
  GenerateResult result;
  std::vector<TokenId> sequence(prompt_ids.begin(), prompt_ids.end());  // prompt, then output
  SamplerWorkspace workspace;
  TokenLogprobs logprobs;
  TokenHistory history;
  std::vector<std::int32_t> places(model.config().vocab_size, 0);
  history.reset(prompt_ids, {}, places);

  // The last prompt token always runs: its logits choose the first new token.
  const auto n_prompt = static_cast<std::int64_t>(prompt_ids.size());
  model.rewind(options.recompute ? 0 : std::min(model.n_computed(), n_prompt - 1));
  Stopwatch clock;
  std::span<const float> logits = model.forward(prompt_ids.subspan(model.n_computed()));
  result.prefill_s = clock.seconds();
  result.prompt_logits.assign(logits.begin(), logits.end());
  if (params.max_tokens <= 0) result.finish_reason = FinishReason::length;

  // The three steps of the loop below.
  const auto choose = [&] {
    return sample_token(logits, params, history, options.eos_ids,
                        static_cast<std::uint64_t>(sequence.size()), workspace, &logprobs);
  };
  const auto keep = [&](TokenId id) {
    history.append(id);
    sequence.push_back(id);
    result.token_ids.push_back(id);
    if (params.n_logprobs >= 0) result.logprobs.push_back(logprobs);
  };
  const auto compute = [&] {  // the logits behind what is kept
    if (options.recompute) model.rewind(0);
    logits = model.forward(std::span(sequence).subspan(model.n_computed()));
  };

  clock.restart();
  // >>> generate.greedy
  while (result.finish_reason == FinishReason::none) {
    const TokenId id = choose();
    if (ends_text(id, params, options)) {
      result.finish_reason = FinishReason::stop;
      result.end_id = id;
      break;
    }
    keep(id);
    if (!on_token(id)) {
      result.finish_reason = FinishReason::cancelled;
    } else if (std::ssize(result.token_ids) >= params.max_tokens ||
               std::ssize(sequence) >= model.max_tokens()) {
      result.finish_reason = FinishReason::length;
    } else {
      compute();
    }
  }
  // <<< generate.greedy
  result.decode_s = clock.seconds();
  return result;
}

}  // namespace tinyllm::reference

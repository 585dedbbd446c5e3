#pragma once
// The generation loop: prompt -> forward -> sample -> append, until something ends it.

#include <span>
#include <vector>

#include "api/output.h"
#include "api/sampling_params.h"
#include "base/function_ref.h"
#include "base/token_id.h"
#include "reference/model.h"

namespace tinyllm::reference {

struct GenerateOptions {
  std::vector<TokenId> eos_ids;  // the model's stop set
  bool recompute = false;        // keep no K/V rows: every token runs the whole sequence again
};

struct GenerateResult {
  std::vector<TokenId> token_ids;  // new tokens; the one that ended the text is not among them
  FinishReason finish_reason = FinishReason::none;
  TokenId end_id = -1;                  // that one, with FinishReason::stop
  std::vector<TokenLogprobs> logprobs;  // one per token when asked for
  std::vector<float> prompt_logits;     // [vocab_size], logits of the last prompt position
  double prefill_s = 0;                 // wall time of the prompt's tokens that were not skipped
  double decode_s = 0;                  // wall time of all tokens after the first
};

// `on_token` is called with every new token (the ending one excepted); returning false cancels.
// Prompt tokens whose K/V rows the model still holds, [0, model.n_computed()), are skipped: the
// caller rewinds the model to the prefix that it has in common with the last sequence first (to 0
// for a new one). Prompt and new tokens together fill at most model.max_tokens() positions, then
// the reason is `length`. Stop strings are the caller's work (it has text). Throws
// Error{context_overflow} when the prompt leaves no room for a token, Error{invalid_input} when it
// is empty or an id is outside the vocabulary.
GenerateResult generate(Model& model, std::span<const TokenId> prompt_ids,
                        const SamplingParams& params, const GenerateOptions& options,
                        function_ref<bool(TokenId token_id)> on_token);

}  // namespace tinyllm::reference

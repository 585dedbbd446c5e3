#pragma once
// From one row of logits to one token, in vLLM's order: raw logprobs ->
// process_logits -> choose_token. A pure function of (logits, params, history,
// position): the same input gives the same token on every machine and instruction
// set. Nothing is allocated once the workspace has grown to vocab_size.

#include <cstdint>
#include <span>

#include "api/output.h"
#include "api/sampling_params.h"
#include "sampling/choose_token.h"
#include "sampling/token_history.h"

namespace tinyllm {

// `logits` [vocab_size] f32, not changed, vocab_size in [1, 2^23]. `params` is valid (validate()).
// `position` is the index of the token to be drawn in the whole sequence (prompt included): the
// Philox counter. `eos_ids` is the model's stop set, impossible before params.min_tokens, like
// params.stop_token_ids. `history` is of ids in [0, vocab_size). Ties go to the lower id. NaN counts as -inf; logits of +inf share all the
// probability; a row with nothing above -inf gives id 0. `logprobs` is filled when
// params.n_logprobs >= 0 (may be nullptr otherwise).
TokenId sample_token(std::span<const float> logits, const SamplingParams& params,
                     const TokenHistory& history, std::span<const TokenId> eos_ids,
                     std::uint64_t position, SamplerWorkspace& workspace, TokenLogprobs* logprobs);

}  // namespace tinyllm

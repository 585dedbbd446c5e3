#pragma once
// What the caller wants more, less or not at all, whatever the model says.

#include <span>
#include <utility>

#include "api/sampling_params.h"

namespace tinyllm {

// Adds each value to the logit of its id; -inf makes the id impossible. Ids in [0, n).
void add_logit_bias(std::span<float> logits, std::span<const std::pair<TokenId, float>> bias);

// Makes the ids impossible (logit -inf): stop ids before min_tokens. An id that this head does not
// have (a stop set may name more than the vocabulary) is passed over.
void ban_tokens(std::span<float> logits, std::span<const TokenId> ids);

}  // namespace tinyllm

#pragma once
// The largest logit: greedy decoding, and what temperature measures from.

#include <span>

#include "api/sampling_params.h"

namespace tinyllm {

// `logits` [n] f32, n >= 1. The lowest id of the largest value; a NaN counts as -inf; 0 where
// nothing is above -inf.
TokenId argmax(std::span<const float> logits);

}  // namespace tinyllm

#pragma once
// Temperature: divides the logits, so that < 1 sharpens and > 1 flattens the distribution.

#include <span>

namespace tinyllm {

// exponents[i] = log2(p_i / p_max) = (logits[i] - max_logit) * log2(e) / temperature, all <= 0.
// [n] f32 both. `max_logit` is the largest of them, not -inf; temperature > 0. A logit of +inf
// shares the whole probability with its equals: 0 for them, -inf for all others.
void apply_temperature(std::span<const float> logits, float max_logit, float temperature,
                       std::span<float> exponents);

}  // namespace tinyllm

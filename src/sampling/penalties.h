#pragma once
// Penalties on what was said already, against loops and repetition.

#include <span>

#include "sampling/token_history.h"

namespace tinyllm {

struct Penalties {
  float repetition = 1.0f;  // > 0; divides a positive logit, multiplies another, once for each id
  float frequency = 0.0f;   // subtracted for each occurrence in the output
  float presence = 0.0f;    // subtracted once for each id of the output
  bool operator==(const Penalties&) const = default;  // the default changes nothing
};

// The repetition penalty (Keskar et al. 2019, CTRL) looks at prompt and output, the other two
// (OpenAI's) at the output only; repetition comes first. `logits` [vocab_size] f32, changed in
// place; every id of `history` is in [0, vocab_size).
void apply_penalties(std::span<float> logits, const Penalties& penalties,
                     const TokenHistory& history);

}  // namespace tinyllm

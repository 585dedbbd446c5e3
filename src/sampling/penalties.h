#pragma once
// Penalties on what was said already, against loops and repetition.

#include <cstdint>
#include <span>

#include "api/sampling_params.h"

namespace tinyllm {

struct Penalties {
  float repetition = 1.0f;  // > 0; divides a positive logit, multiplies another, once for each id
  float frequency = 0.0f;   // subtracted for each occurrence in the output
  float presence = 0.0f;    // subtracted once for each id of the output
  bool operator==(const Penalties&) const = default;  // the default changes nothing
};

// The repetition penalty (Keskar et al. 2019, CTRL) looks at prompt and output, the other two
// (OpenAI's) at the output only; repetition comes first. `logits` [n] f32, all ids in [0, n).
// `counts` [n] is all 0 before and after; only the entries of ids in the history are touched.
void apply_penalties(std::span<float> logits, const Penalties& penalties,
                     std::span<const TokenId> prompt_ids, std::span<const TokenId> output_ids,
                     std::span<std::int32_t> counts);

}  // namespace tinyllm

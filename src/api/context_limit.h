#pragma once
// The one limit on length: prompt and output of a sequence together fill at most max_model_len
// positions, and at least one of them must be left for the output. Pure functions.

#include <cstdint>
#include <string>

#include "api/sampling_params.h"

namespace tinyllm {

inline bool leaves_room(std::int64_t n_prompt, std::int64_t max_model_len) {
  return n_prompt < max_model_len;
}

// What everybody is told when it does not: "the prompt has 300 tokens, the context holds 64 and one
// must be left for the answer; shorten it or raise --context".
std::string no_room_message(std::int64_t n_prompt, std::int64_t max_model_len);

// Throws Error{context_overflow} with that message.
void require_room(std::int64_t n_prompt, std::int64_t max_model_len);

// Lowers max_tokens to what is left behind a prompt that leaves room, and min_tokens with it.
void fit_into_room(SamplingParams& params, std::int64_t n_prompt, std::int64_t max_model_len);

}  // namespace tinyllm

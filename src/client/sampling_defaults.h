#pragma once
// Which numbers shape the distribution that a token is drawn from: what the caller asked for, else
// what the model's authors recommend, else a default that changes nothing. A pure function.

#include <optional>

#include "api/sampling_params.h"

namespace tinyllm {

struct GenerationDefaults;  // text/model_text.h

// What a caller may leave open; empty: not asked for.
struct AskedSampling {
  std::optional<float> temperature, top_p, min_p, repetition_penalty;
  std::optional<int> top_k;
};

// Fills these five fields of `params`. `temperature_without_advice` holds where neither the caller
// nor the authors shape the distribution at all: 0 (greedy) for a person who reads, because small
// models lose the thread when they are drawn from; 1 for the API, as OpenAI's says. Temperatures
// below 1e-5 are greedy, as in vLLM.
void fill_sampling(SamplingParams& params, const AskedSampling& asked,
                   const GenerationDefaults& recommended, float temperature_without_advice);

}  // namespace tinyllm

#pragma once
// The sampling flags of chat and generate, and what holds where the user gave none.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/sampling_params.h"
#include "apps/command.h"
#include "client/sampling_defaults.h"
#include "text/model_text.h"

namespace tinyllm {

// What stood on the command line; empty: not given.
struct SamplingOptions {
  AskedSampling asked;
  std::optional<float> presence_penalty, frequency_penalty;
  std::optional<int> max_tokens, min_tokens;
  std::optional<std::uint64_t> seed;
  std::vector<std::string> logit_bias;  // "ID=VALUE"
  std::vector<std::string> stop;
  bool ignore_eos = false;
};

void add_sampling_options(Command command, SamplingOptions& options);

// For an answer that people read: flags, else what the model's authors recommend, else greedy
// (small models lose the thread when drawn from). Without --seed a random one. Throws Error{usage}
// for a malformed --logit-bias.
SamplingParams chat_sampling(const SamplingOptions& options, const GenerationDefaults& defaults);

// For raw completion: flags, else greedy. The model's recommendations are not taken in, so that the
// same command gives the same text with every copy of a model.
SamplingParams completion_sampling(const SamplingOptions& options);

}  // namespace tinyllm

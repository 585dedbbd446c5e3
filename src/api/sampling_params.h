#pragma once
// What a caller may ask of the sampler, with vLLM's names, ranges and defaults. A plain struct.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/token_id.h"

namespace tinyllm {

struct SamplingParams {
  float temperature = 1.0f;         // [0, 100]; 0 = greedy
  int top_k = 0;                    // keep the k likeliest; 0 or -1 = all
  float top_p = 1.0f;               // (0, 1]: smallest set whose mass reaches p
  float min_p = 0.0f;               // [0, 1]: keep probability >= min_p x the largest
  std::uint64_t seed = 0;           // Philox key; the same seed gives the same text
  float repetition_penalty = 1.0f;  // > 0, finite: over prompt and output; > 1 discourages
  float presence_penalty = 0.0f;    // [-2, 2]: once for each id in the output
  float frequency_penalty = 0.0f;   // [-2, 2]: times its count in the output
  // Added to the logits of these ids; [-100, 100], or -inf to make an id impossible.
  std::vector<std::pair<TokenId, float>> logit_bias = {};
  int min_tokens = 0;   // stop ids are impossible before that many; [0, max_tokens]
  int max_tokens = 16;  // at most that many new tokens; >= 1
  std::vector<TokenId> stop_token_ids = {};  // besides the model's own stop set
  std::vector<std::string> stop = {};  // strings that end the text; not part of it; none empty
  bool ignore_eos = false;             // run on to max_tokens past the model's stop set
  int n_logprobs = -1;                 // alternatives a token; 0 = only the drawn one; -1 = none

  // Whether stop ids are impossible for the token that follows n_outputs new ones.
  bool bans_stop_ids(std::int64_t n_outputs) const { return n_outputs < min_tokens; }
};

// Throws Error{invalid_input} that names the field, its
// value and its range. Ids must be in [0, vocab_size).
void validate(const SamplingParams& params, std::int64_t vocab_size);

}  // namespace tinyllm

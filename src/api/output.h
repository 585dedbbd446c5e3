#pragma once
// What a generation gives back. Plain structs.

#include <string>
#include <vector>

#include "api/sampling_params.h"

namespace tinyllm {

enum class FinishReason { none, stop, length, cancelled, error };

// OpenAI's word for it: "stop", "length", "abort", "error"; "" while it runs.
const char* to_string(FinishReason reason);

struct TokenLogprob {
  TokenId token_id;
  float logprob;  // natural log, <= 0, of the raw (unpenalised, temperature 1) distribution
};

// The drawn token's logprob, its 1-based rank, and the likeliest alternatives, best first.
struct TokenLogprobs {
  TokenLogprob drawn;
  int rank = 0;
  std::vector<TokenLogprob> top;  // n_logprobs entries
};

}  // namespace tinyllm

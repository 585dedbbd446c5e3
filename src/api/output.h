#pragma once
// What a generation gives back. Plain structs.

#include <cstdint>
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

inline constexpr std::int64_t kMaxDrafts = 16;  // of a text in one step

// What speculation guessed for a text (docs/speculation.md).
struct DraftCounts {
  std::int64_t n_steps = 0;                     // that verified drafts of it
  std::int64_t n_proposed = 0, n_accepted = 0;  // tokens; accepted: they are in the text

  DraftCounts& operator+=(const DraftCounts& other) {
    n_steps += other.n_steps;
    n_proposed += other.n_proposed;
    n_accepted += other.n_accepted;
    return *this;
  }
};

// The drawn token's logprob, its 1-based rank, and the likeliest alternatives, best first.
struct TokenLogprobs {
  TokenLogprob drawn;
  int rank = 0;
  std::vector<TokenLogprob> top;  // n_logprobs entries
};

}  // namespace tinyllm

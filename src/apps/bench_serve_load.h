#pragma once
// Load on an OpenAI-compatible server: many streamed completions at a time, with the time of every
// token. One thread; any server that speaks /v1/completions.

#include <cstdint>
#include <string>
#include <vector>

namespace tinyllm {

struct LoadOptions {
  std::string url = "http://127.0.0.1:8000/v1";
  std::string api_key = {}, model = {};
  int n_requests = 64;
  int n_clients = 8;      // closed loop: each asks again when its answer is complete
  double rate_per_s = 0;  // over 0: instead, requests arrive by a Poisson process of this rate
  // Lengths are drawn from log-normal distributions with these means, like conversations of people.
  int mean_prompt_words = 200, mean_answer_tokens = 100;
  bool fixed_lengths = false;  // every request has the mean
  int shared_words = 0;        // words that begin every prompt, like a system prompt
  std::uint64_t seed = 1;
};

struct LoadRequest {
  std::string prompt;
  int max_tokens = 0;
  double arrival_s = 0;  // Poisson: when it is sent
};

// The same for the same options.
std::vector<LoadRequest> make_requests(const LoadOptions& options);

struct LoadResult {
  double start_s = 0, end_s = 0;         // since the run began
  std::vector<double> token_times = {};  // of every event that carried text, since the run began
  std::int64_t n_prompt = 0, n_cached = 0, n_generated = 0;  // as the server counts
  std::string error = {};                                    // "" when the answer was complete
};

// Sends all of them and waits for the answers. A server that says nothing for a minute has failed
// the request; after several failures in a row the others are not sent.
std::vector<LoadResult> run_load(const LoadOptions& options,
                                 const std::vector<LoadRequest>& requests);

}  // namespace tinyllm

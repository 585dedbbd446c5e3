#pragma once
// The proof that a text does not depend on its company: the same requests are run alone and under
// every condition that could change their bits, and the answers are compared, tokens and
// log-probabilities. One thread.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/token_id.h"
#include "engine/engine_options.h"

namespace tinyllm {

class Checkpoint;
struct ModelText;

struct ProofStep {
  std::string condition;   // "alone", "in a crowd", ...
  std::string what;        // that the condition was met, in numbers: "9 preemptions"
  bool met = true;         // false: it could not be brought about, so that nothing is proven
  bool equal = true;       // with the first step's answers
  std::uint64_t hash = 0;  // of all answers
  bool applies = true;     // false: there is no such condition for this model and these texts
};

struct ProofOptions {
  EngineOptions engine;  // device, threads, K/V type, quantisation; the rest is set by each step
  std::vector<TokenId> prompt_ids;  // at least two blocks long
  int max_tokens = 48;
};

// Tokens that the memory of "in less memory" holds, where every layer sees `n_seen` positions: texts
// must be longer.
std::int64_t least_memory_tokens(std::int64_t n_seen);

// Tells `on_step` of each condition when it has run. Throws what open_engine and a request throw.
void prove(const Checkpoint& checkpoint, std::shared_ptr<const ModelText> text,
           const ProofOptions& options, function_ref<void(const ProofStep& step)> on_step);

}  // namespace tinyllm

#pragma once
// How far the keys and values of a number format move what a model says from what it says with those
// in f32: by the next token's probabilities at many places of a text. Main thread only.

#include <cstdint>
#include <span>
#include <vector>

#include "base/token_id.h"
#include "engine/engine_options.h"

namespace tinyllm {

class Checkpoint;

// KL(p || q) of the softmaxes of two rows of logits, in nats; infinity where it is no number, as with
// a logit that is not finite.
double kl_divergence(std::span<const float> p, std::span<const float> q);

// The logits with f32 of all places are kept. Throws Error{out_of_memory} where they do not fit.
void check_divergence_memory(std::int64_t n_places, std::int64_t vocab_size,
                             std::int64_t free_bytes);

struct KvDivergence {
  // KL(p with f32 || p with the format) of each place, in nats, ascending.
  std::vector<double> kl;
  std::int64_t n_same_top = 0;  // places whose likeliest token is the same

  double mean() const;
  double share(double part) const;  // the value that this part of the places does not exceed
};

// Places: every 32nd token of each run of `window` tokens, which is read from its start. Loads the
// model twice, one after the other. Throws what open_engine throws, and Error{out_of_memory}, and
// Error{invalid_input} where a divergence is no number.
KvDivergence kv_divergence(const Checkpoint& checkpoint, const EngineOptions& options,
                           std::span<const TokenId> ids, std::int64_t window);

}  // namespace tinyllm

#pragma once
// Log-probabilities of a row, for the caller to see how sure the model was.

#include <cstddef>
#include <cstdint>
#include <span>

#include "api/output.h"
#include "sampling/candidate.h"

namespace tinyllm {

// Natural log of the sum over the row of exp(logit - max): logprob = (logit - max) - this.
// `weights` [n] f32 is p_i / p_max at temperature 1. Summed in fixed point: exact in any order;
// what is below 2^-40 of the largest counts as nothing (error < n x 1e-12).
double log_of_sum(std::span<const float> weights);
// The same from the sum itself, in units of kFullMass.
double log_of_mass(std::uint64_t mass);

// Of one logit of a row. log_sum: log_of_sum of the row.
float logprob_of(float logit, float max_logit, double log_sum);

// Fills `out` from the raw `logits` [n] f32 (no NaN, something above -inf): the drawn id, its
// 1-based rank (ties: lower id first) and the `n_top` likeliest, at most n. `weights` [n] and
// `candidates` [n] are scratch. Allocates only where out.top has to grow.
void fill_logprobs(std::span<const float> logits, float max_logit, TokenId drawn, int n_top,
                   std::span<float> weights, std::span<Candidate> candidates, TokenLogprobs& out);

}  // namespace tinyllm

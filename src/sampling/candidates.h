#pragma once
// From weights to candidates with a mass in fixed point.

#include <cstddef>
#include <span>

#include "sampling/candidate.h"

namespace tinyllm {

// `logits` [n] f32 and `weights` [n] f32, p_i / p_max in [0, 1]; `candidates` [n] receives the ids
// with a mass of at least one unit, ids ascending. Returns how many. n <= 2^23.
std::size_t collect_candidates(std::span<const float> logits, std::span<const float> weights,
                               std::span<Candidate> candidates);

// Sum of the masses.
std::uint64_t total_mass(std::span<const Candidate> candidates);

}  // namespace tinyllm

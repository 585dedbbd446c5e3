#pragma once
// min_p: drops what is unlikely beside the likeliest token, however many tokens that leaves.

#include <cstddef>
#include <span>

#include "sampling/candidate.h"

namespace tinyllm {

// Keeps probability >= min_p x the largest of the row; min_p in [0, 1], 0 keeps all. The likeliest
// candidate has kFullMass. Returns how many stay, at the front (candidate.h).
// Source: Nguyen et al. 2024, "Turning up the heat: min-p sampling".
std::size_t keep_min_p(std::span<Candidate> candidates, float min_p);

}  // namespace tinyllm

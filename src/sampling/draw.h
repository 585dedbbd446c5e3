#pragma once
// The draw itself: the inverse of the cumulative distribution at a uniform random point.

#include <cstdint>
#include <span>

#include "sampling/candidate.h"

namespace tinyllm {

// `candidates`: not empty, any order; reordered. Laid end to end in their order (likeliest first)
// the masses fill [0, total); the id whose piece holds floor(total x random / 2^64) is drawn.
// `random`: 64 uniform bits (philox.h).
TokenId draw(std::span<Candidate> candidates, std::uint64_t random);

}  // namespace tinyllm

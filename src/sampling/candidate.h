#pragma once
// A token that can still be drawn, and the one order in which tokens stand. The filters (min_p,
// top_k, top_p) and draw take a span of candidates in any order, move the ones that stay to its
// front and return how many they are; what stands behind them afterwards has no meaning.
// Each filter keeps a beginning of the order, so their sequence does not change the result of
// min_p and top_k; top_p looks at the mass that they leave.

#include <cstdint>

#include "api/sampling_params.h"

namespace tinyllm {

// Probability mass is counted in whole units of 2^-40 of the likeliest token's: sums of integers
// are exact and the same in any order, on any number of threads. A row of 2^24 fits into 64 bits.
inline constexpr std::uint64_t kFullMass = std::uint64_t{1} << 40;

struct Candidate {
  float logit;  // after bias and penalties; never NaN
  TokenId id;
  std::uint64_t mass;  // in [1, kFullMass]; never larger for a smaller logit
};

// The order of candidates: larger logit first, then the lower id.
inline bool comes_before(const Candidate& a, const Candidate& b) {
  return (a.logit > b.logit) | ((a.logit == b.logit) & (a.id < b.id));
}

}  // namespace tinyllm

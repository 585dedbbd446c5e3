#include "sampling/min_p.h"

namespace tinyllm {

std::size_t keep_min_p(std::span<Candidate> candidates, float min_p) {
  const double least = static_cast<double>(min_p) * static_cast<double>(kFullMass);  // exact
  std::size_t n_kept = 0;
  for (const Candidate& candidate : candidates) {
    const bool kept = static_cast<double>(candidate.mass) >= least;
    candidates[n_kept] = candidate;
    n_kept += kept;
  }
  return n_kept;
}

}  // namespace tinyllm

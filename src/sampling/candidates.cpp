#include "sampling/candidates.h"

#include "base/check.h"

namespace tinyllm {

std::size_t collect_candidates(std::span<const float> logits, std::span<const float> weights,
                               std::span<Candidate> candidates) {
  CHECK(logits.size() == weights.size() && logits.size() <= candidates.size(),
        "{} logits, {} weights, room for {}", logits.size(), weights.size(), candidates.size());
  CHECK(logits.size() <= std::size_t{1} << 23, "{} logits: their mass may overflow", logits.size());
  std::size_t n_candidates = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double units = static_cast<double>(weights[i]) * static_cast<double>(kFullMass);
    const auto mass = static_cast<std::uint64_t>(static_cast<std::int64_t>(units));
    // Written always, counted if it has mass: no branch to guess wrong.
    candidates[n_candidates] = {logits[i], static_cast<TokenId>(i), mass};
    n_candidates += mass > 0;
  }
  return n_candidates;
}

std::uint64_t total_mass(std::span<const Candidate> candidates) {
  std::uint64_t total = 0;
  for (const Candidate& candidate : candidates) total += candidate.mass;
  return total;
}

}  // namespace tinyllm

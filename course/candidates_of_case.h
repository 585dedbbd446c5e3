#pragma once
// Candidates from a recorded case, and what a filter kept of them: for the tests of sample.*.

#include <algorithm>
#include <cmath>

#include "learn/lesson_case.h"
#include "sampling/candidate.h"

namespace tinyllm::learn {

using Candidates = Array<Candidate>;

inline Candidates make_candidates(const Floats& logits, const Ints& masses) {
  Candidates candidates(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    candidates[i] = {logits[i], static_cast<TokenId>(i), static_cast<std::uint64_t>(masses[i])};
  }
  return candidates;
}

inline Candidates candidates_of(const Case& given) {
  return make_candidates(given.floats("logits"), given.ints("masses"));
}

// The ids of the first `n_kept`, likeliest first: a filter may leave them in any order.
inline Ints kept_ids(const Candidates& candidates, std::size_t n_kept) {
  const std::size_t n = std::min(n_kept, candidates.size());
  Candidates kept = candidates;
  std::sort(kept.data(), kept.data() + n, comes_before);
  Ints ids(n);
  for (std::size_t i = 0; i < n; ++i) ids[i] = kept[i].id;
  return ids;
}

// A row of logits around 0 with the masses that softmax would give them, the largest 2^40.
inline Candidates random_candidates(std::size_t n, std::uint64_t seed) {
  const Floats logits = random_floats(n, seed, 3.0f);
  const float largest = *std::max_element(logits.begin(), logits.end());
  Ints masses(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double share = std::exp2(static_cast<double>(logits[i] - largest));
    masses[i] = std::max<std::int64_t>(1, static_cast<std::int64_t>(share * double{kFullMass}));
  }
  return make_candidates(logits, masses);
}

}  // namespace tinyllm::learn

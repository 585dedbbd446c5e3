// Another way to sample.top_k: k times the best of the rest is swapped to the front.
#include "sampling/top_k.h"

#include <algorithm>

std::size_t tinyllm::keep_top_k(std::span<Candidate> candidates, int k) {
  if (k <= 0 || static_cast<std::size_t>(k) >= candidates.size()) return candidates.size();
  for (auto place = candidates.begin(); place != candidates.begin() + k; ++place) {
    std::iter_swap(place, std::min_element(place, candidates.end(), comes_before));
  }
  return static_cast<std::size_t>(k);
}

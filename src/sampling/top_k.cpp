#include "sampling/top_k.h"

#include <algorithm>

namespace tinyllm {

std::size_t keep_top_k(std::span<Candidate> candidates, int k) {
  // >>> sample.top_k
  const auto n_kept = static_cast<std::size_t>(std::max(k, 0));
  if (n_kept == 0 || n_kept >= candidates.size()) return candidates.size();
  const auto kth = candidates.begin() + static_cast<std::ptrdiff_t>(n_kept);
  constexpr std::size_t kSmall = 1024;
  if (n_kept <= kSmall) {
    // A heap of the k best so far: nearly all others fail one comparison with its root.
    std::partial_sort(candidates.begin(), kth, candidates.end(), comes_before);
  } else {
    std::nth_element(candidates.begin(), kth - 1, candidates.end(), comes_before);
  }
  return n_kept;
  // <<< sample.top_k
}

}  // namespace tinyllm

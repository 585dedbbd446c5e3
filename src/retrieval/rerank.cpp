#include "retrieval/rerank.h"

#include <algorithm>
#include <functional>

#include "base/check.h"

namespace tinyllm {

std::vector<Hit> rerank(std::vector<Hit> hits, std::span<const float> scores, std::size_t n) {
  CHECK(hits.size() == scores.size(), "{} hits, {} scores", hits.size(), scores.size());
  for (std::size_t i = 0; i < hits.size(); ++i) hits[i].score = double{scores[i]};
  std::ranges::stable_sort(hits, std::ranges::greater(), &Hit::score);
  if (hits.size() > n) hits.erase(hits.begin() + static_cast<std::ptrdiff_t>(n), hits.end());
  return hits;
}

}  // namespace tinyllm

// Another way to sample.draw: sorts everything, and walks the line from its far end.
#include "sampling/draw.h"

#include <algorithm>

tinyllm::TokenId tinyllm::draw(std::span<Candidate> candidates, std::uint64_t random) {
  std::sort(candidates.begin(), candidates.end(), comes_before);
  unsigned __int128 total = 0;
  for (const Candidate& one : candidates) total += one.mass;
  const auto point = static_cast<std::uint64_t>((total * random) >> 64);
  auto begin = static_cast<std::uint64_t>(total);  // where the piece of candidates[i] begins
  for (std::size_t i = candidates.size(); i-- > 0;) {
    begin -= candidates[i].mass;
    if (begin <= point) return candidates[i].id;
  }
  return candidates[0].id;
}

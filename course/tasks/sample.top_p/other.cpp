// Another way to sample.top_p: everything is sorted, and the masses are counted from the back.
#include "sampling/top_p.h"

#include <algorithm>
#include <cmath>

std::size_t tinyllm::keep_top_p(std::span<Candidate> candidates, float p) {
  std::sort(candidates.begin(), candidates.end(), comes_before);
  if (p >= 1.0f) return candidates.size();
  unsigned __int128 total = 0;
  for (const Candidate& one : candidates) total += one.mass;
  // In steps of 2^-32, as the contract says.
  const auto steps = static_cast<std::uint64_t>(std::ceil(std::ldexp(static_cast<double>(p), 32)));
  const unsigned __int128 wanted = total * steps;
  std::size_t n = candidates.size();
  unsigned __int128 left = total;  // the mass of the first n
  while (n > 1 && ((left - candidates[n - 1].mass) << 32) >= wanted) left -= candidates[--n].mass;
  return n;
}

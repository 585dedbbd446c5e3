#include "sampling/top_p.h"

#include <algorithm>
#include <cmath>

#include "sampling/candidates.h"
#include "sampling/select_by_mass.h"

namespace tinyllm {

std::size_t keep_top_p(std::span<Candidate> candidates, float p) {
  // >>> sample.top_p
  if (p >= 1.0f || candidates.empty()) return candidates.size();
  // target = ceil(p x total), at least one unit of mass: the first token always stays.
  const auto p_fixed = static_cast<std::uint64_t>(std::ceil(static_cast<double>(p) * 0x1p32));
  const unsigned __int128 product =
      static_cast<unsigned __int128>(total_mass(candidates)) * p_fixed;
  const auto target = static_cast<std::uint64_t>((product + 0xFFFFFFFFu) >> 32);
  return select_by_mass(candidates, std::max<std::uint64_t>(target, 1));
  // <<< sample.top_p
}

}  // namespace tinyllm

#include "sampling/draw.h"

#include "base/check.h"
#include "sampling/candidates.h"
#include "sampling/select_by_mass.h"

namespace tinyllm {

TokenId draw(std::span<Candidate> candidates, std::uint64_t random) {
  // >>> sample.draw
  const std::uint64_t total = total_mass(candidates);
  CHECK(total > 0, "{} candidates without mass", candidates.size());
  const auto point =
      static_cast<std::uint64_t>((static_cast<unsigned __int128>(total) * random) >> 64);
  return candidates[select_by_mass(candidates, point + 1) - 1].id;
  // <<< sample.draw
}

}  // namespace tinyllm

#pragma once
// The question behind top_p and draw: going through the candidates in their order, where does the
// summed mass first reach a target?

#include <cstddef>
#include <cstdint>
#include <span>

#include "sampling/candidate.h"

namespace tinyllm {

// Moves the smallest beginning of the order whose mass reaches `target` to the front and returns
// its length n; candidates[n - 1] is its last member, the others stand in any order.
// 1 <= target <= total_mass(candidates). O(n) expected: a quickselect that counts mass.
std::size_t select_by_mass(std::span<Candidate> candidates, std::uint64_t target);

}  // namespace tinyllm

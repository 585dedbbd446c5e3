#pragma once
// top_k: keeps the k likeliest tokens.

#include <cstddef>
#include <span>

#include "sampling/candidate.h"

namespace tinyllm {

// Keeps the first k of the order (equal logits: the lower ids); k <= 0
// keeps all. Returns how many stay, at the front (candidate.h). Source:
// Fan, Lewis, Dauphin 2018, "Hierarchical neural story generation".
std::size_t keep_top_k(std::span<Candidate> candidates, int k);

}  // namespace tinyllm

#pragma once
// The second look at what a search has found: each passage is scored together with the question.
// Pure functions; any thread.

#include <cstddef>
#include <span>
#include <vector>

#include "retrieval/search.h"

namespace tinyllm {

// The n hits with the best scores, best first, equal ones as they stood. scores: one a hit, which
// becomes its own.
std::vector<Hit> rerank(std::vector<Hit> hits, std::span<const float> scores, std::size_t n);

}  // namespace tinyllm

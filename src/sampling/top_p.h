#pragma once
// top_p, nucleus sampling: keeps few tokens where the model is sure and many where it is not.

#include <cstddef>
#include <span>

#include "sampling/candidate.h"

namespace tinyllm {

// Keeps the smallest beginning of the order whose mass reaches p of the
// candidates' whole mass: the token that crosses p stays. p in (0, 1], taken in
// steps of 2^-32; 1 keeps all. Returns how many stay, at the front (candidate.h).
// Source: Holtzman et al. 2019, "The curious case of neural text degeneration".
std::size_t keep_top_p(std::span<Candidate> candidates, float p);

}  // namespace tinyllm

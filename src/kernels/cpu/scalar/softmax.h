#pragma once
// Scores to probabilities: positive, and 1 in sum.

#include <cstdint>

namespace tinyllm::scalar {

// x[i] = exp(x[i] - max x) / sum over j of exp(x[j] - max x), in place. Subtracting the
// largest score does not change the ratios and keeps exp from overflowing. x: [n] f32, n >= 1; -inf
// gives 0, but one score at least must be finite.
void softmax(float* x, std::int64_t n);

}  // namespace tinyllm::scalar

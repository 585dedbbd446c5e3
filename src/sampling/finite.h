#pragma once
// Whether a row of logits is worth drawing from.

#include <span>

namespace tinyllm {

// True when no value is a NaN or an infinity.
bool all_finite(std::span<const float> values);

}  // namespace tinyllm

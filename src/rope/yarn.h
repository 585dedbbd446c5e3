#pragma once
// What a YaRN file leaves implied (Peng et al. 2023, YaRN: Efficient Context Window Extension).

#include <cstdint>

#include "rope/rope_frequencies.h"

namespace tinyllm {

// The factor on cos and sin for a context stretched by `factor`: 0.1 m ln(factor) + 1, or 1 for a
// factor of at most 1.
double yarn_mscale(double factor, double m = 1.0);

// The context after stretching, or max_seq_len where the file already says a longer one.
std::int64_t yarn_max_seq_len(const RopeScaling& scaling, std::int64_t max_seq_len);

}  // namespace tinyllm

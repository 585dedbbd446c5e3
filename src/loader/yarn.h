#pragma once
// What a YaRN file leaves implied (Peng et al. 2023, YaRN: Efficient Context Window Extension).

#include "loader/model_config.h"

namespace tinyllm {

// The factor on cos and sin for a context stretched by `factor`: 0.1 m ln(factor) + 1, and 1 where
// nothing is stretched.
double yarn_mscale(double factor, double m = 1.0);

// The context after stretching, where that is longer than what the file says.
void stretch_max_seq_len(ModelConfig& config);

}  // namespace tinyllm

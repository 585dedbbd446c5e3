#pragma once
// From a model's RoPE settings to the angle that each pair of a head turns by at every position. In
// double: the tables that are made of it are rounded once, at the end.

#include <vector>

#include "loader/model_config.h"

namespace tinyllm {

struct RopeFrequencies {
  std::vector<double> inv_freq;   // [head_dim / 2], radians a position
  double attention_factor = 1.0;  // multiplies cosines and sines (YaRN), else 1
};

// inv_freq[i] = theta^(-2 i / head_dim), then what config.rope_scaling asks for:
//   linear   divided by factor (Chen et al. 2023, position interpolation)
//   llama3   slow pairs divided by factor, fast ones kept, a ramp between (Llama 3.1's rule)
//   yarn     the same idea with the ramp over dimensions (Peng et al. 2023, YaRN, section 3.2)
// and freq_factors[i] divides last.
RopeFrequencies rope_frequencies(const ModelConfig& config);

}  // namespace tinyllm

#pragma once
// From a model's settings of rotary position embedding to the angle by which each pair of a head
// turns at every position. In double: the tables made from it are rounded once, at the end.

#include <cstdint>
#include <vector>

namespace tinyllm {

struct RopeScaling {
  enum class Type { none, linear, llama3, yarn };
  Type type = Type::none;
  double factor = 1.0;
  double original_max_seq_len = 0;  // llama3, yarn
  double low_freq_factor = 1.0;     // llama3
  double high_freq_factor = 4.0;    // llama3
  double beta_fast = 32.0;          // yarn
  double beta_slow = 1.0;           // yarn
  double attention_factor = 0.0;    // yarn: on cos and sin. Loaders fill it; 0: 0.1 ln(factor) + 1
  bool truncate = true;             // yarn: round the correction range to whole dimensions
  // YaRN with mscale keys (DeepSeek): attention_factor already holds their quotient.
  // GGUF files of Llama 3 ship their scaling as the tensor rope_freqs instead, which the loader
  // copies here. The frequency of pair i is divided by freq_factors[i].
  std::vector<float> freq_factors;  // [head_dim / 2], empty: none
};

struct RopeFrequencies {
  std::vector<double> inv_freq;   // [head_dim / 2], radians a position
  double attention_factor = 1.0;  // multiplies cosines and sines (YaRN), else 1
};

// inv_freq[i] = theta^(-2 i / head_dim), then what `scaling` asks for:
//   linear   divided by factor (Chen et al. 2023, position interpolation)
//   llama3   slow pairs divided by factor, fast ones kept, a ramp between (Llama 3.1's rule)
//   yarn     the same idea with the ramp over dimensions (Peng et al. 2023, YaRN, section 3.2)
// and freq_factors[i] divides last.
RopeFrequencies rope_frequencies(std::int64_t head_dim, double theta, const RopeScaling& scaling);

}  // namespace tinyllm

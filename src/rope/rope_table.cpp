#include "rope/rope_table.h"

#include <cmath>

namespace tinyllm {

RopeTable rope_table(const RopeFrequencies& frequencies, std::int64_t n_positions) {
  const std::size_t n_pairs = frequencies.inv_freq.size();
  RopeTable table;
  table.cos.resize(n_positions * n_pairs);
  table.sin.resize(table.cos.size());
  for (std::size_t at = 0; at < table.cos.size(); ++at) {
    const double angle = static_cast<double>(at / n_pairs) * frequencies.inv_freq[at % n_pairs];
    table.cos[at] = static_cast<float>(std::cos(angle) * frequencies.attention_factor);
    table.sin[at] = static_cast<float>(std::sin(angle) * frequencies.attention_factor);
  }
  return table;
}

}  // namespace tinyllm

#include "loader/yarn.h"

#include <cmath>

namespace tinyllm {

double yarn_mscale(double factor, double m) {
  return factor <= 1.0 ? 1.0 : 0.1 * m * std::log(factor) + 1.0;
}

void stretch_max_seq_len(ModelConfig& config) {
  constexpr double kMaxPositions = 1 << 30;  // so that the cast is defined
  const double stretched = config.rope_scaling.factor * config.rope_scaling.original_max_seq_len;
  if (stretched > static_cast<double>(config.max_seq_len) && stretched < kMaxPositions) {
    config.max_seq_len = static_cast<std::int64_t>(stretched);
  }
}

}  // namespace tinyllm

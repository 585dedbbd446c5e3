#include "rope/yarn.h"

#include <cmath>

namespace tinyllm {

double yarn_mscale(double factor, double m) {
  return factor <= 1.0 ? 1.0 : 0.1 * m * std::log(factor) + 1.0;
}

std::int64_t yarn_max_seq_len(const RopeScaling& scaling, std::int64_t max_seq_len) {
  constexpr double kMaxPositions = 1 << 30;  // so that the cast is defined
  const double stretched = scaling.factor * scaling.original_max_seq_len;
  const bool longer = stretched > static_cast<double>(max_seq_len) && stretched < kMaxPositions;
  return longer ? static_cast<std::int64_t>(stretched) : max_seq_len;
}

}  // namespace tinyllm

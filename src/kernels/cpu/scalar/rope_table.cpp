#include "kernels/cpu/scalar/rope_table.h"

#include <cmath>

namespace tinyllm::scalar {

void rope_table(const double* inv_freq, std::int64_t n_pairs, double attention_factor,
                std::int64_t first_position, std::int64_t n_positions, float* cos, float* sin) {
  for (std::int64_t p = 0; p < n_positions; ++p) {
    for (std::int64_t i = 0; i < n_pairs; ++i) {
      const double angle = static_cast<double>(first_position + p) * inv_freq[i];
      cos[p * n_pairs + i] = static_cast<float>(std::cos(angle) * attention_factor);
      sin[p * n_pairs + i] = static_cast<float>(std::sin(angle) * attention_factor);
    }
  }
}

}  // namespace tinyllm::scalar

#include "kernels/cpu/scalar/causal_mask.h"

#include <limits>

namespace tinyllm::scalar {

void causal_mask(float* mask, std::int64_t n_queries, std::int64_t n_keys) {
  // >>> attention.causal_mask
  for (std::int64_t i = 0; i < n_queries; ++i) {
    const std::int64_t position = n_keys - n_queries + i;
    for (std::int64_t j = 0; j < n_keys; ++j) {
      mask[i * n_keys + j] = j <= position ? 0.0f : -std::numeric_limits<float>::infinity();
    }
  }
  // <<< attention.causal_mask
}

}  // namespace tinyllm::scalar

// Another way to attention.causal_mask: each row is a run of zeros, then a run of -inf.
#include "kernels/cpu/scalar/causal_mask.h"

#include <algorithm>
#include <cmath>

void tinyllm::scalar::causal_mask(float* mask, std::int64_t n_queries, std::int64_t n_keys) {
  for (std::int64_t n_seen = n_keys - n_queries + 1; n_seen <= n_keys; ++n_seen, mask += n_keys) {
    std::fill(mask, mask + n_seen, 0.0f);
    std::fill(mask + n_seen, mask + n_keys, -HUGE_VALF);
  }
}

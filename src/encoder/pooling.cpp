#include "encoder/pooling.h"

#include <algorithm>
#include <cmath>

namespace tinyllm {

void pool(const Pooling& pooling, const float* states, std::int64_t n_tokens, std::int64_t n_dims,
          float* out) {
  std::copy_n(states, n_dims, out);
  if (pooling.kind == PoolingKind::mean) {
    for (std::int64_t t = 1; t < n_tokens; ++t) {
      const float* state = states + t * n_dims;
      for (std::int64_t d = 0; d < n_dims; ++d) out[d] += state[d];
    }
    for (std::int64_t d = 0; d < n_dims; ++d) out[d] /= static_cast<float>(n_tokens);
  }
  if (pooling.normalises) normalise(out, n_dims);
}

void normalise(float* x, std::int64_t n) {
  double squares = 0.0;
  for (std::int64_t i = 0; i < n; ++i) squares += double{x[i]} * double{x[i]};
  const auto length = static_cast<float>(std::max(std::sqrt(squares), 1e-12));
  for (std::int64_t i = 0; i < n; ++i) x[i] /= length;
}

}  // namespace tinyllm

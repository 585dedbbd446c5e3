#include "reference/parallel.h"

#include <algorithm>

#include "kernels/cpu/scalar/linear.h"

namespace tinyllm::reference {

void parallel_linear(ThreadPool& pool, const float* x, std::int64_t n_tokens, const Tensor& weight,
                     const Tensor& bias, float* out) {
  // About eight chunks a worker, so that a slow core takes fewer; whole tiles of 8 rows each.
  const std::int64_t n_rows = weight.n_rows();
  const std::int64_t chunk = std::max<std::int64_t>(8, n_rows / (8 * pool.n_workers()) / 8 * 8);
  const float* bias_values = bias ? bias.f32() : nullptr;
  pool.parallel_for(n_rows, chunk, [&](std::int64_t begin, std::int64_t end) {
    scalar::linear(x, n_tokens, weight, bias_values, out, begin, end);
  });
}

void for_each_token(ThreadPool& pool, std::int64_t n_tokens,
                    function_ref<void(std::int64_t t)> body) {
  if (n_tokens == 1) {
    body(0);
    return;
  }
  pool.parallel_for(n_tokens, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) body(t);
  });
}

}  // namespace tinyllm::reference

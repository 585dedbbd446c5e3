#include "reference/mlp.h"

#include "kernels/cpu/scalar/silu_mul.h"
#include "reference/parallel.h"

namespace tinyllm::reference {

void mlp(const ForwardPass& pass, const MlpWeights& weights, Activations& a) {
  gated_mlp(pass.pool, weights, f32(a.normed), pass.n_tokens, f32(a.gate), f32(a.up), f32(a.delta));
}

void gated_mlp(ThreadPool& pool, const MlpWeights& weights, const float* x, std::int64_t n_rows,
               float* gate, float* up, float* out) {
  const std::int64_t n = weights.gate_proj.n_rows();
  parallel_linear(pool, x, n_rows, weights.gate_proj, weights.gate_bias, gate);
  parallel_linear(pool, x, n_rows, weights.up_proj, weights.up_bias, up);
  for_each_token(pool, n_rows, [&](std::int64_t t) {
    scalar::silu_mul(gate + t * n, up + t * n, gate + t * n, n);
  });
  parallel_linear(pool, gate, n_rows, weights.down_proj, weights.down_bias, out);
}

}  // namespace tinyllm::reference

#include "reference/mlp.h"

#include "kernels/cpu/scalar/silu_mul.h"
#include "reference/parallel.h"

namespace tinyllm::reference {

void mlp(const ForwardPass& pass, const LayerWeights& weights, Activations& a) {
  const std::int64_t n = pass.config.intermediate_size;
  const float* x = f32(a.normed);
  parallel_linear(pass.pool, x, pass.n_tokens, weights.gate_proj, weights.gate_bias, f32(a.gate));
  parallel_linear(pass.pool, x, pass.n_tokens, weights.up_proj, weights.up_bias, f32(a.up));
  for_each_token(pass.pool, pass.n_tokens, [&](std::int64_t t) {
    float* gate = f32(a.gate) + t * n;
    scalar::silu_mul(gate, f32(a.up) + t * n, gate, n);
  });
  parallel_linear(pass.pool, f32(a.gate), pass.n_tokens, weights.down_proj, weights.down_bias,
                  f32(a.delta));
}

}  // namespace tinyllm::reference

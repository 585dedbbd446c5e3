// Another way to model.block: each norm and each addition written out, token by token.
#include "reference/transformer_block.h"

#include "kernels/cpu/scalar/rms_norm.h"
#include "reference/attention.h"
#include "reference/mlp.h"
#include "reference/moe.h"

namespace tinyllm::reference {

static void norm(const ForwardPass& pass, const Tensor& weight, Activations& a) {
  const std::int64_t n = pass.config.hidden_size;
  for (std::int64_t t = 0; t < pass.n_tokens; ++t) {
    scalar::rms_norm(f32(a.hidden) + t * n, weight.f32(), f32(a.normed) + t * n, n,
                     pass.config.norm_eps);
  }
}

static void add_delta(const ForwardPass& pass, Activations& a) {
  for (std::int64_t i = 0; i < pass.n_tokens * pass.config.hidden_size; ++i)
    f32(a.hidden)[i] += f32(a.delta)[i];
}

void transformer_block(const ForwardPass& pass, const LayerWeights& weights, std::int64_t layer_idx,
                       KvRows& kv_rows, Activations& activations) {
  norm(pass, weights.input_norm, activations);
  attention(pass, weights, layer_idx, kv_rows, activations);
  add_delta(pass, activations);
  norm(pass, weights.post_attention_norm, activations);
  weights.moe.router ? moe(pass, weights.moe, activations) : mlp(pass, weights.mlp, activations);
  add_delta(pass, activations);
}

}  // namespace tinyllm::reference

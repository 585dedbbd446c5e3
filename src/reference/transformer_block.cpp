#include "reference/transformer_block.h"

#include "kernels/cpu/scalar/add.h"
#include "kernels/cpu/scalar/rms_norm.h"
#include "reference/attention.h"
#include "reference/mlp.h"
#include "reference/moe.h"
#include "reference/parallel.h"

namespace tinyllm::reference {
namespace {

[[maybe_unused]] void norm_rows(const ForwardPass& pass, const Tensor& weight, Activations& a) {
  const std::int64_t n = pass.config.hidden_size;
  for_each_token(pass.pool, pass.n_tokens, [&](std::int64_t t) {
    scalar::rms_norm(f32(a.hidden) + t * n, weight.f32(), f32(a.normed) + t * n, n,
                     pass.config.norm_eps);
  });
}

}  // namespace

void transformer_block(const ForwardPass& pass, const LayerWeights& weights, std::int64_t layer_idx,
                       KvRows& kv_rows, Activations& a) {
  // >>> model.block
  const std::int64_t n_elems = pass.n_tokens * pass.config.hidden_size;
  norm_rows(pass, weights.input_norm, a);
  attention(pass, weights, layer_idx, kv_rows, a);
  scalar::add(f32(a.hidden), f32(a.delta), n_elems);

  norm_rows(pass, weights.post_attention_norm, a);
  if (weights.moe.router) {
    moe(pass, weights.moe, a);
  } else {
    mlp(pass, weights.mlp, a);
  }
  scalar::add(f32(a.hidden), f32(a.delta), n_elems);
  // <<< model.block
}

}  // namespace tinyllm::reference

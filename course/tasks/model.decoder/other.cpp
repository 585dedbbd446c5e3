// Another way to model.decoder: one token after the other through a layer's norm, and the head as dot products.
#include "reference/decoder.h"

#include "kernels/cpu/scalar/embedding.h"
#include "kernels/cpu/scalar/linear.h"
#include "kernels/cpu/scalar/rms_norm.h"
#include "reference/transformer_block.h"

namespace tinyllm::reference {

void decoder(const ForwardPass& pass, const ModelWeights& weights, const TokenId* token_ids,
             KvRows& kv_rows, Activations& activations,
             function_ref<void(std::int32_t layer_idx)> after_layer) {
  scalar::embedding(weights.embed_tokens, token_ids, pass.n_tokens, f32(activations.hidden));
  after_layer(-1);
  std::int32_t layer_idx = 0;
  for (const LayerWeights& layer : weights.layers) {
    transformer_block(pass, layer, layer_idx, kv_rows, activations);
    after_layer(layer_idx++);
  }
  const std::int64_t n = pass.config.hidden_size;
  for (std::int64_t at = 0; at < pass.n_tokens * n; at += n) {
    scalar::rms_norm(f32(activations.hidden) + at, weights.final_norm.f32(),
                     f32(activations.normed) + at, n, pass.config.norm_eps);
  }
}

void language_head(ThreadPool&, const ModelWeights& weights, const float* normed,
                   std::int64_t n_tokens, float* logits) {
  scalar::linear(normed, n_tokens, weights.lm_head, nullptr, logits, 0, weights.lm_head.n_rows());
}

}  // namespace tinyllm::reference

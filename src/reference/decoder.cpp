#include "reference/decoder.h"

#include "kernels/cpu/scalar/embedding.h"
#include "kernels/cpu/scalar/rms_norm.h"
#include "reference/parallel.h"
#include "reference/transformer_block.h"

namespace tinyllm::reference {

void decoder(const ForwardPass& pass, const ModelWeights& weights, const TokenId* token_ids,
             KvRows& kv_rows, Activations& a,
             function_ref<void(std::int32_t layer_idx)> after_layer) {
  // >>> model.decoder
  scalar::embedding(weights.embed_tokens, token_ids, pass.n_tokens, f32(a.hidden));
  after_layer(-1);
  for (std::size_t i = 0; i < weights.layers.size(); ++i) {
    transformer_block(pass, weights.layers[i], static_cast<std::int64_t>(i), kv_rows, a);
    after_layer(static_cast<std::int32_t>(i));
  }
  const std::int64_t n = pass.config.hidden_size;
  for_each_token(pass.pool, pass.n_tokens, [&](std::int64_t t) {
    scalar::rms_norm(f32(a.hidden) + t * n, weights.final_norm.f32(), f32(a.normed) + t * n, n,
                     pass.config.norm_eps);
  });
  // <<< model.decoder
}

void language_head(ThreadPool& pool, const ModelWeights& weights, const float* normed,
                   std::int64_t n_tokens, float* logits) {
  // >>> model.decoder
  parallel_linear(pool, normed, n_tokens, weights.lm_head, Tensor{}, logits);
  // <<< model.decoder
}

}  // namespace tinyllm::reference

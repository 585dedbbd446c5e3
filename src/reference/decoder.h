#pragma once
// The whole network: one recipe for llama, qwen2 and qwen3. What differs between them is data in
// ModelConfig (biases, q/k norm, RoPE pairing) and which weights are there.

#include <cstdint>

#include "base/function_ref.h"
#include "base/token_id.h"
#include "loader/model_weights.h"
#include "reference/forward_pass.h"
#include "reference/kv_rows.h"

namespace tinyllm::reference {

// token_ids: [n_tokens]. Embeds them, runs every layer (which adds their K/V rows) and leaves
// RMSNorm(h) * final_norm in activations.normed, [n_tokens, hidden_size].
// `after_layer` is called when activations.hidden holds the embeddings (-1) and after each layer.
void decoder(const ForwardPass& pass, const ModelWeights& weights, const TokenId* token_ids,
             KvRows& kv_rows, Activations& activations,
             function_ref<void(std::int32_t layer_idx)> after_layer);

// logits[t] = lm_head normed[t]
// normed: [n_tokens, hidden_size], logits: [n_tokens, vocab_size], all f32.
void language_head(ThreadPool& pool, const ModelWeights& weights, const float* normed,
                   std::int64_t n_tokens, float* logits);

}  // namespace tinyllm::reference

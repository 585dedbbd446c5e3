#pragma once
// One layer of the decoder: attention and MLP, each behind a norm and added to the residual stream.

#include <cstdint>

#include "loader/model_weights.h"
#include "reference/forward_pass.h"
#include "reference/kv_rows.h"

namespace tinyllm::reference {

// h = activations.hidden, [n_tokens, hidden_size], in place:
//   h += attention(RMSNorm(h) * input_norm)
//   h += mlp(RMSNorm(h) * post_attention_norm), or moe(...) where the layer has experts
void transformer_block(const ForwardPass& pass, const LayerWeights& weights, std::int64_t layer_idx,
                       KvRows& kv_rows, Activations& activations);

}  // namespace tinyllm::reference

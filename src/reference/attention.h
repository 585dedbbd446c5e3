#pragma once
// The attention half of a layer: project, rotate, remember, attend, project back.

#include <cstdint>

#include "loader/model_weights.h"
#include "reference/forward_pass.h"
#include "reference/kv_rows.h"

namespace tinyllm::reference {

// x = activations.normed, [n_tokens, hidden_size]. For each token:
//   q, k, v = q_proj x + q_bias, k_proj x + k_bias, v_proj x + v_bias   (bias: Qwen2)
//   q, k = RMSNorm of each head of q and k                              (Qwen3)
//   q, k = RoPE(q, k, position);  k and v join the layer's K/V rows
//   activations.delta = o_proj(causal grouped attention(q, all rows up to the token)) + o_bias
// A layer with a window attends to the rows of the window and of its sinks.
void attention(const ForwardPass& pass, const LayerWeights& weights, std::int64_t layer_idx,
               KvRows& kv_rows, Activations& activations);

}  // namespace tinyllm::reference

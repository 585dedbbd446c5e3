#pragma once
// The MLP half of a layer as a mixture of experts (Shazeer et al. 2017; Qwen2-MoE, Yang et al. 2024).

#include "loader/model_weights.h"
#include "reference/forward_pass.h"

namespace tinyllm::reference {

// For each token x of activations.normed, [n_tokens, hidden_size]: p = softmax(router x); its
// experts are the n_experts_per_token likeliest, the likelier first, of equals the lower number.
//   activations.delta = sum over its experts e of w_e mlp_e(x) + sigmoid(shared_scale x) shared(x)
// with w_e = p_e, divided by the sum over its experts where the config wants it.
void moe(const ForwardPass& pass, const MoeWeights& weights, Activations& activations);

}  // namespace tinyllm::reference

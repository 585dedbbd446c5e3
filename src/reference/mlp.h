#pragma once
// The MLP half of a layer, SwiGLU (Shazeer 2020).

#include "loader/model_weights.h"
#include "reference/forward_pass.h"

namespace tinyllm::reference {

// x = activations.normed, [n_tokens, hidden_size]:
//   activations.delta = down_proj(silu(gate_proj x) * (up_proj x))
// with a bias behind each projection where the model has one.
void mlp(const ForwardPass& pass, const LayerWeights& weights, Activations& activations);

}  // namespace tinyllm::reference

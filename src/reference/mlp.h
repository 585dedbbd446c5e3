#pragma once
// The MLP half of a layer, SwiGLU (Shazeer 2020).

#include <cstdint>

#include "loader/model_weights.h"
#include "reference/forward_pass.h"

namespace tinyllm::reference {

// x = activations.normed, [n_tokens, hidden_size]:
//   activations.delta = down_proj(silu(gate_proj x) * (up_proj x))
// with a bias behind each projection where the model has one.
void mlp(const ForwardPass& pass, const MlpWeights& weights, Activations& activations);

// The same for any rows. x, out: [n_rows, hidden_size]; gate, up: scratch, [n_rows,
// intermediate_size]; all f32. One expert of a mixture is such an MLP.
void gated_mlp(ThreadPool& pool, const MlpWeights& weights, const float* x, std::int64_t n_rows,
               float* gate, float* up, float* out);

}  // namespace tinyllm::reference

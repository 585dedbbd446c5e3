#pragma once
// Attention of a layer whose tokens see a window of the last positions, and the first few.

#include "loader/model_config.h"
#include "reference/forward_pass.h"

namespace tinyllm::reference {

// For each token at position p and each head:
//   p < window + sinks   attention over the rows of positions [0, p]
//   otherwise            over [0, sinks) and (p - window, p]. The sinks stand right before the window
//                        (Xiao et al. 2023, StreamingLLM, section 3.2): activations.sink_q holds the
//                        queries turned to position window + sinks - 1, at that distance from them.
// activations.q, sink_q -> attention_out: [n_tokens, n_heads, head_dim]. keys, values: the layer's
// rows, [n_keys, n_kv_heads, head_dim] f32.
void windowed_attention(const ForwardPass& pass, const AttentionWindow& window, const float* keys,
                        const float* values, Activations& activations);

}  // namespace tinyllm::reference

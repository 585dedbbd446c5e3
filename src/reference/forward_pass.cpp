#include "reference/forward_pass.h"

#include <algorithm>

namespace tinyllm::reference {

Activations make_activations(const ModelConfig& config, std::int64_t chunk_tokens,
                             std::int64_t max_tokens) {
  const auto floats = [](std::int64_t n_rows, std::int64_t n_cols) {
    return Buffer(n_rows * n_cols * static_cast<std::int64_t>(sizeof(float)), "activations");
  };
  Activations a;
  a.hidden = floats(chunk_tokens, config.hidden_size);
  a.normed = floats(chunk_tokens, config.hidden_size);
  a.delta = floats(chunk_tokens, config.hidden_size);
  a.q = floats(chunk_tokens, config.q_size());
  if (std::ranges::any_of(config.windows, [](const auto& layer) { return layer.sinks > 0; }))
    a.sink_q = floats(chunk_tokens, config.q_size());
  a.k = floats(chunk_tokens, config.kv_size());
  a.v = floats(chunk_tokens, config.kv_size());
  a.attention_out = floats(chunk_tokens, config.q_size());
  a.mask = floats(chunk_tokens, max_tokens);
  a.scores = floats(config.n_heads, max_tokens);
  const std::int64_t mlp_size = std::max({config.intermediate_size, config.moe.intermediate_size,
                                          config.moe.shared_intermediate_size});
  a.gate = floats(chunk_tokens, mlp_size);
  a.up = floats(chunk_tokens, mlp_size);
  return a;
}

}  // namespace tinyllm::reference

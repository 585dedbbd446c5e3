#include "reference/attention.h"

#include <algorithm>

#include "kernels/cpu/scalar/causal_mask.h"
#include "kernels/cpu/scalar/grouped_attention.h"
#include "kernels/cpu/scalar/multi_head_attention.h"
#include "kernels/cpu/scalar/rms_norm.h"
#include "kernels/cpu/scalar/rope_interleaved.h"
#include "kernels/cpu/scalar/rope_split_halves.h"
#include "reference/parallel.h"
#include "reference/windowed_attention.h"

namespace tinyllm::reference {
namespace {

// Norm (where the model has it) and rotation of every head of one token's q or k.
// heads: [n_heads, head_dim] f32, in place. t: index of the token in this pass; below 0: one of the
// positions before it.
[[maybe_unused]] void prepare_heads(const ForwardPass& pass, const Tensor& norm, std::int64_t t,
                                    std::int64_t n_heads, float* heads) {
  const ModelConfig& config = pass.config;
  const float* cos = pass.rope_cos + t * config.head_dim / 2;
  const float* sin = pass.rope_sin + t * config.head_dim / 2;
  for (std::int64_t h = 0; h < n_heads; ++h) {
    float* head = heads + h * config.head_dim;
    if (norm) scalar::rms_norm(head, norm.f32(), head, config.head_dim, config.norm_eps);
    if (config.rope_pairing == RopePairing::interleaved) {
      scalar::rope_interleaved(head, cos, sin, config.head_dim);
    } else {
      scalar::rope_split_halves(head, cos, sin, config.head_dim);
    }
  }
}

// a.sink_q: the queries as they meet a layer's attention sinks, which stand right before its window.
// Nothing where it has none.
[[maybe_unused]] void prepare_sink_queries(const ForwardPass& pass, const Tensor& norm,
                                           std::int64_t layer_idx, Activations& a) {
  const ModelConfig& config = pass.config;
  const AttentionWindow window = config.window_of(layer_idx);
  if (window.sinks == 0) return;
  std::copy_n(f32(a.q), pass.n_tokens * config.q_size(), f32(a.sink_q));
  for_each_token(pass.pool, pass.n_tokens, [&](std::int64_t t) {
    const std::int64_t position = std::min(pass.first_position + t, window.size() - 1);
    prepare_heads(pass, norm, position - pass.first_position, config.n_heads,
                  f32(a.sink_q) + t * config.q_size());
  });
}

// a.attention_out = attention of a.q over all rows of a layer, heads split over the workers.
void attend_to_all(const ForwardPass& pass, const float* keys, const float* values,
                   std::int64_t max_tokens, Activations& a) {
  const ModelConfig& config = pass.config;
  scalar::causal_mask(f32(a.mask), pass.n_tokens, pass.n_keys());
  pass.pool.parallel_for(config.n_heads, 1, [&](std::int64_t begin, std::int64_t end) {
    float* scores = f32(a.scores) + begin * max_tokens;
    if (config.n_kv_heads == config.n_heads) {
      scalar::multi_head_attention(f32(a.q), keys, values, f32(a.mask), f32(a.attention_out),
                                   scores, pass.n_tokens, pass.n_keys(), config.n_heads,
                                   config.head_dim, begin, end);
    } else {
      scalar::grouped_attention(f32(a.q), keys, values, f32(a.mask), f32(a.attention_out), scores,
                                pass.n_tokens, pass.n_keys(), config.n_heads, config.n_kv_heads,
                                config.head_dim, begin, end);
    }
  });
}

// The same over the rows that the layer's tokens see.
[[maybe_unused]] void attend(const ForwardPass& pass, std::int64_t layer_idx, const KvRows& kv_rows,
                             Activations& a) {
  const AttentionWindow window = pass.config.window_of(layer_idx);
  const float* keys = layer_keys(kv_rows, layer_idx);
  const float* values = layer_values(kv_rows, layer_idx);
  if (window.window > 0) {
    windowed_attention(pass, window, keys, values, a);
  } else {
    attend_to_all(pass, keys, values, kv_rows.max_tokens, a);
  }
}

}  // namespace

void attention(const ForwardPass& pass, const LayerWeights& weights, std::int64_t layer_idx,
               KvRows& kv_rows, Activations& a) {
  // >>> attention.qwen2
  const ModelConfig& config = pass.config;
  const float* x = f32(a.normed);
  parallel_linear(pass.pool, x, pass.n_tokens, weights.q_proj, weights.q_bias, f32(a.q));
  parallel_linear(pass.pool, x, pass.n_tokens, weights.k_proj, weights.k_bias, f32(a.k));
  parallel_linear(pass.pool, x, pass.n_tokens, weights.v_proj, weights.v_bias, f32(a.v));
  prepare_sink_queries(pass, weights.q_norm, layer_idx, a);
  for_each_token(pass.pool, pass.n_tokens, [&](std::int64_t t) {
    prepare_heads(pass, weights.q_norm, t, config.n_heads, f32(a.q) + t * config.q_size());
    prepare_heads(pass, weights.k_norm, t, config.n_kv_heads, f32(a.k) + t * config.kv_size());
  });
  append_kv_rows(kv_rows, layer_idx, pass.first_position, pass.n_tokens, f32(a.k), f32(a.v));
  attend(pass, layer_idx, kv_rows, a);
  parallel_linear(pass.pool, f32(a.attention_out), pass.n_tokens, weights.o_proj, weights.o_bias,
                  f32(a.delta));
  // <<< attention.qwen2
}

}  // namespace tinyllm::reference

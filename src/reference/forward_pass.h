#pragma once
// What every part of one forward pass works with: where the tokens stand, and the arrays between
// the parts. Allocated once per model, sized for the largest chunk; one thread at a time.

#include <cstdint>

#include "base/thread_pool.h"
#include "loader/model_config.h"
#include "tensor/buffer.h"

namespace tinyllm::reference {

// Tokens at positions [first_position, first_position + n_tokens) on their way through the layers.
struct ForwardPass {
  const ModelConfig& config;
  ThreadPool& pool;
  std::int64_t first_position;
  std::int64_t n_tokens;
  // Rows of rope_table for these positions, [n_tokens, head_dim / 2] f32. Before them stand those of
  // all earlier positions.
  const float* rope_cos;
  const float* rope_sin;

  // Positions known after this pass.
  std::int64_t n_keys() const { return first_position + n_tokens; }
};

// All f32; n is the chunk's number of tokens.
struct Activations {
  Buffer hidden;         // [n, hidden_size], the residual stream
  Buffer normed;         // [n, hidden_size], input of attention, of the MLP, of the head
  Buffer delta;          // [n, hidden_size], what a sublayer adds to the stream
  Buffer q;              // [n, n_heads, head_dim]
  Buffer sink_q;         // the same, as the queries meet attention sinks; empty: no layer has any
  Buffer k, v;           // [n, n_kv_heads, head_dim], before they are copied to the K/V rows
  Buffer attention_out;  // [n, n_heads, head_dim]
  Buffer mask;           // [n, n_keys]
  Buffer scores;         // [n_heads, max_tokens], a row of scratch for each head
  Buffer gate, up;       // [n, intermediate_size], the largest of any MLP or expert
};

Activations make_activations(const ModelConfig& config, std::int64_t chunk_tokens,
                             std::int64_t max_tokens);

inline float* f32(Buffer& buffer) { return buffer.as<float>().data(); }

}  // namespace tinyllm::reference

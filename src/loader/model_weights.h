#pragma once
// A decoder's weights by their role. Views into a Checkpoint,
// rows as stored (never permuted). Matrices are [n_out, n_in] in any DType;
// norms and biases are f32 (widened at bind time if stored otherwise).

#include <vector>

#include "loader/checkpoint.h"
#include "tensor/buffer.h"
#include "tensor/tensor.h"

namespace tinyllm {

// A gated MLP: the layer's own, an expert, the shared expert.
struct MlpWeights {
  Tensor gate_proj, up_proj;             // [intermediate_size, hidden_size]
  Tensor down_proj;                      // [hidden_size, intermediate_size]
  Tensor gate_bias, up_bias, down_bias;  // f32, empty unless config.mlp_bias
};

struct MoeWeights {
  Tensor router;                    // [n_experts, hidden_size]
  std::vector<MlpWeights> experts;  // [n_experts], each [moe.intermediate_size, ...]
  MlpWeights shared;                // empty unless moe.shared_intermediate_size
  Tensor shared_scale;              // [hidden_size] f32: sigmoid(shared_scale x) is its weight
};

struct LayerWeights {
  Tensor input_norm;              // [hidden_size] f32, before attention
  Tensor q_proj;                  // [n_heads * head_dim, hidden_size]
  Tensor k_proj, v_proj;          // [n_kv_heads * head_dim, hidden_size]
  Tensor q_bias, k_bias, v_bias;  // f32, empty unless config.qkv_bias
  Tensor q_norm, k_norm;          // [head_dim] f32, empty unless config.qk_norm
  Tensor o_proj;                  // [hidden_size, n_heads * head_dim]
  Tensor o_bias;                  // [hidden_size] f32, empty unless config.o_bias
  Tensor post_attention_norm;     // [hidden_size] f32, before the MLP
  MlpWeights mlp;                 // empty where the layer has experts
  MoeWeights moe;                 // empty where it has none
};

struct ModelWeights {
  Tensor embed_tokens;  // [vocab_size, hidden_size]
  std::vector<LayerWeights> layers;
  Tensor final_norm;            // [hidden_size] f32
  Tensor lm_head;               // [vocab_size, hidden_size]; equals embed_tokens when tied
  std::vector<Buffer> widened;  // owns norms and biases that were not stored as f32
};

// Finds every weight that the config wants, by the container's names, and checks its shape.
// Throws Error{invalid_input} that names the tensor, the found and the wanted shape, or the tensor
// that is missing; Error{unsupported} for a tensor that has no place in the model, since a model
// without it would be a wrong one.
ModelWeights bind_weights(const Checkpoint& checkpoint);

// The same from the parts of a checkpoint; `source` is the file's name, for messages.
ModelWeights bind_weights(const ModelConfig& config, const TensorMap& tensors, WeightNaming naming,
                          const std::string& source);

}  // namespace tinyllm

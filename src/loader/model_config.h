#pragma once
// The shape and the numbers of one decoder model, the same whether they came from a GGUF file's
// metadata or from config.json. Field names are Hugging Face's. A plain struct; loaders fill it,
// everyone below reads it.

#include <cstdint>
#include <string>

#include "rope/rope_frequencies.h"
#include "rope/rope_pairing.h"

namespace tinyllm {

struct ModelConfig {
  std::string architecture;     // "llama", "qwen2", "qwen3"
  std::int64_t vocab_size = 0;  // rows of the embedding
  std::int64_t hidden_size = 0;
  std::int64_t intermediate_size = 0;
  std::int64_t n_layers = 0;
  std::int64_t n_heads = 0;
  std::int64_t n_kv_heads = 0;   // divides n_heads
  std::int64_t head_dim = 0;     // even; need not be hidden_size / n_heads
  std::int64_t max_seq_len = 0;  // positions the model was trained for (after scaling)
  float norm_eps = 1e-6f;
  double rope_theta = 10000.0;
  RopePairing rope_pairing = RopePairing::split_halves;
  RopeScaling rope_scaling;
  bool qkv_bias = false;  // Qwen2; Llama with attention_bias
  bool o_bias = false;    // Llama with attention_bias
  bool mlp_bias = false;  // Llama with mlp_bias
  bool qk_norm = false;   // Qwen3: RMSNorm over each head of q and k before RoPE
  bool tie_word_embeddings = false;

  std::int64_t q_size() const { return n_heads * head_dim; }
  std::int64_t kv_size() const { return n_kv_heads * head_dim; }
};

// Throws Error{invalid_input} naming `source`, the field, its value and the wanted range: every
// dimension at least 1 and within limits that keep products far from overflow, head_dim even,
// n_heads a multiple of n_kv_heads, every float finite and in range.
void validate(const ModelConfig& config, const std::string& source);

}  // namespace tinyllm

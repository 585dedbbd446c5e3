#pragma once
// The shape and the numbers of one decoder model, the same whether they came from a GGUF file's
// metadata or from config.json. Field names are Hugging Face's. A plain struct; loaders fill it,
// everyone below reads it.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "rope/rope_frequencies.h"
#include "rope/rope_pairing.h"

namespace tinyllm {

// A mixture of experts (Shazeer et al. 2017): a router chooses for each token through which of a
// layer's experts, small MLPs, it goes.
struct MoeConfig {
  std::int64_t n_experts = 0;  // of a layer; 0: no layer has experts
  std::int64_t n_experts_per_token = 0;
  std::int64_t intermediate_size = 0;         // of an expert
  std::int64_t shared_intermediate_size = 0;  // of one that every token goes through; 0: none
  bool norm_weights = false;  // the weights of a token's experts are divided by their sum
  std::vector<std::int64_t> dense_layers;  // those with an ordinary MLP
};

// Which positions the tokens of a layer see: the last `window`, their own included (0: all), and with
// a window the first `sinks`, as if those stood right before it (Xiao et al. 2023, StreamingLLM).
struct AttentionWindow {
  std::int64_t window = 0;
  std::int64_t sinks = 0;

  // Positions that a token may see, where there is a window.
  std::int64_t size() const { return window + sinks; }
  bool operator==(const AttentionWindow&) const = default;
};

struct ModelConfig {
  std::string architecture;     // "llama", "qwen2", "qwen3", "qwen2moe", "qwen3moe"
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
  MoeConfig moe;
  std::vector<AttentionWindow> windows;  // [n_layers], or empty: all layers see all positions

  std::int64_t q_size() const { return n_heads * head_dim; }
  std::int64_t kv_size() const { return n_kv_heads * head_dim; }
  AttentionWindow window_of(std::int64_t layer) const {
    return windows.empty() ? AttentionWindow() : windows[static_cast<std::size_t>(layer)];
  }
  bool has_experts(std::int64_t layer) const {
    return moe.n_experts > 0 &&
           std::ranges::find(moe.dense_layers, layer) == moe.dense_layers.end();
  }
};

// The number of layers alone, for those who are about to make lists of layers. Throws as below.
void validate_n_layers(const ModelConfig& config, const std::string& source);

// Throws Error{invalid_input} naming `source`, the field, its value and the wanted range: every
// dimension at least 1 and within limits that keep products far from overflow, head_dim even,
// n_heads a multiple of n_kv_heads, every float finite and in range, windows for all layers or none.
void validate(const ModelConfig& config, const std::string& source);

}  // namespace tinyllm

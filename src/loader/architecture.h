#pragma once
// What differs between the decoder models that we run. The recipe itself (norm, attention, MLP,
// residuals) exists once, in the engine; a model is one small file arch_NAME.cpp that fills this
// table, and a line in architecture.cpp.

#include <cstdint>
#include <string>
#include <string_view>

#include "loader/model_config.h"

namespace tinyllm {

// Which attention projections carry a bias, as far as config.json decides it. (In a GGUF file the
// presence of the tensors decides.)
enum class AttentionBias {
  none,
  q_k_v,      // q, k and v unless "qkv_bias" is false, never o
  by_config,  // all four when "attention_bias" is true
};

// Which layers of a Hugging Face folder see the last "sliding_window" positions only. All but the
// first and the last ask for "use_sliding_window"; where "sliding_window" is null, no layer does.
enum class WindowRule {
  none,
  upper_layers,  // those that "layer_types" names; without it those from "max_window_layers" on
  even_layers,   // those that "layer_types" names; without it even ones below "max_window_layers"
  all_layers,
  always,  // all of them
};

// What transformers assumes when config.json does not say.
struct HuggingFaceDefaults {
  std::int64_t vocab_size, hidden_size, intermediate_size, n_layers, n_heads;
  std::int64_t n_kv_heads;  // 0: n_heads
  std::int64_t head_dim;    // 0: hidden_size / n_heads
  std::int64_t max_seq_len;
  float norm_eps;
  double rope_theta;
};

// The same of a mixture of experts. n_experts 0: the architecture has none.
struct MoeDefaults {
  std::int64_t n_experts = 0, n_experts_per_token = 0;
  std::int64_t intermediate_size = 0, shared_intermediate_size = 0;
  bool gguf_norm_weights = false;  // what GGUF files mean that do not say it
};

struct Architecture {
  const char* name;                // "general.architecture" in GGUF
  const char* hugging_face_type;   // "model_type" in config.json
  const char* hugging_face_class;  // in "architectures" of config.json
  RopePairing gguf_rope_pairing;   // Hugging Face folders are always split_halves
  bool qk_norm;                    // RMSNorm over each head of q and k
  AttentionBias attention_bias;
  bool has_mlp_bias;  // "mlp_bias" in config.json counts
  WindowRule windows;
  HuggingFaceDefaults defaults;
  MoeDefaults moe = {};
};

extern const Architecture kLlamaArchitecture;     // arch_llama.cpp
extern const Architecture kMistralArchitecture;   // arch_mistral.cpp
extern const Architecture kQwen2Architecture;     // arch_qwen2.cpp
extern const Architecture kQwen2MoeArchitecture;  // arch_qwen2moe.cpp
extern const Architecture kQwen3Architecture;     // arch_qwen3.cpp
extern const Architecture kQwen3MoeArchitecture;  // arch_qwen3moe.cpp

// By GGUF's name, by "model_type", or by class name. Throw Error{unsupported} that names what was found
// and what is supported; `source` is the file.
const Architecture& find_architecture(std::string_view name, const std::string& source);
const Architecture& find_architecture_by_type(std::string_view hugging_face_type,
                                              const std::string& source);
const Architecture& find_architecture_by_class(std::string_view hugging_face_class,
                                               const std::string& source);

}  // namespace tinyllm

#pragma once
// For tests: writes safetensors files in memory, and whole tiny Hugging Face folders.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "loader/temp_folder_test.h"

namespace tinyllm::testing {

// A file with this header text, its length in front, and `n_data_bytes` zero bytes behind.
inline std::string safetensors_file(const std::string& header, std::size_t n_data_bytes) {
  const std::uint64_t header_bytes = header.size();
  std::string file(reinterpret_cast<const char*>(&header_bytes), sizeof(header_bytes));
  return file + header + std::string(n_data_bytes, '\0');
}

class SafetensorsBuilder {
 public:
  // All elements zero.
  SafetensorsBuilder& add(const std::string& name, const std::string& dtype,
                          const std::vector<std::uint64_t>& shape) {
    std::uint64_t n_bytes = dtype == "F32" ? 4 : 2;
    for (const std::uint64_t dim : shape) n_bytes *= dim;
    header_[name] = {{"dtype", dtype},
                     {"shape", shape},
                     {"data_offsets", {n_data_bytes_, n_data_bytes_ + n_bytes}}};
    n_data_bytes_ += n_bytes;
    return *this;
  }
  std::string build() const { return safetensors_file(header_.dump(), n_data_bytes_); }

 private:
  nlohmann::json header_ = {{"__metadata__", {{"format", "pt"}}}};
  std::uint64_t n_data_bytes_ = 0;
};

// config.json of a model of 1 layer: hidden 8, 2 heads, 1 k/v head, MLP 16, 10 tokens.
inline nlohmann::json tiny_hf_config(const std::string& hugging_face_class) {
  return {{"architectures", {hugging_face_class}},
          {"vocab_size", 10},
          {"hidden_size", 8},
          {"intermediate_size", 16},
          {"num_hidden_layers", 1},
          {"num_attention_heads", 2},
          {"num_key_value_heads", 1},
          {"max_position_embeddings", 64},
          {"head_dim", 4}};
}

// Its weights, without biases and norms of q and k.
inline SafetensorsBuilder tiny_hf_weights(const std::string& dtype, bool tied = false) {
  SafetensorsBuilder builder;
  builder.add("model.embed_tokens.weight", dtype, {10, 8}).add("model.norm.weight", dtype, {8});
  if (!tied) builder.add("lm_head.weight", dtype, {10, 8});
  const std::string layer = "model.layers.0.";
  builder.add(layer + "input_layernorm.weight", dtype, {8})
      .add(layer + "self_attn.q_proj.weight", dtype, {8, 8})
      .add(layer + "self_attn.k_proj.weight", dtype, {4, 8})
      .add(layer + "self_attn.v_proj.weight", dtype, {4, 8})
      .add(layer + "self_attn.o_proj.weight", dtype, {8, 8})
      .add(layer + "post_attention_layernorm.weight", dtype, {8})
      .add(layer + "mlp.gate_proj.weight", dtype, {16, 8})
      .add(layer + "mlp.up_proj.weight", dtype, {16, 8})
      .add(layer + "mlp.down_proj.weight", dtype, {8, 16});
  return builder;
}

inline void write_tiny_hf_model(const TempFolder& folder) {
  folder.write("config.json", tiny_hf_config("LlamaForCausalLM").dump());
  folder.write("model.safetensors", tiny_hf_weights("BF16").build());
}

}  // namespace tinyllm::testing

#include "loader/safetensors_builder_test.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

namespace tinyllm::testing {

std::string safetensors_file(const std::string& header, std::size_t n_data_bytes) {
  const std::uint64_t header_bytes = header.size();
  std::string file(reinterpret_cast<const char*>(&header_bytes), sizeof(header_bytes));
  return file + header + std::string(n_data_bytes, '\0');
}

SafetensorsBuilder& SafetensorsBuilder::add(const std::string& name, const std::string& dtype,
                                            const std::vector<std::uint64_t>& shape) {
  std::uint64_t n_bytes = dtype == "F64" ? 8 : dtype == "F32" ? 4 : 2;
  for (const std::uint64_t dim : shape) n_bytes *= dim;
  header_ += fmt::format(R"(,"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", name,
                         dtype, fmt::join(shape, ","), n_data_bytes_, n_data_bytes_ + n_bytes);
  n_data_bytes_ += n_bytes;
  return *this;
}

std::string SafetensorsBuilder::build() const {
  return safetensors_file(header_ + "}", n_data_bytes_);
}

nlohmann::json tiny_hf_config(const std::string& hugging_face_class) {
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

void write_tiny_hf_model(const TempFolder& folder, const std::vector<ExtraTensor>& extra) {
  SafetensorsBuilder builder;
  const std::string layer = "model.layers.0.";
  builder.add("model.embed_tokens.weight", "BF16", {10, 8})
      .add("model.norm.weight", "BF16", {8})
      .add("lm_head.weight", "BF16", {10, 8})
      .add(layer + "input_layernorm.weight", "BF16", {8})
      .add(layer + "self_attn.q_proj.weight", "BF16", {8, 8})
      .add(layer + "self_attn.k_proj.weight", "BF16", {4, 8})
      .add(layer + "self_attn.v_proj.weight", "BF16", {4, 8})
      .add(layer + "self_attn.o_proj.weight", "BF16", {8, 8})
      .add(layer + "post_attention_layernorm.weight", "BF16", {8})
      .add(layer + "mlp.gate_proj.weight", "BF16", {16, 8})
      .add(layer + "mlp.up_proj.weight", "BF16", {16, 8})
      .add(layer + "mlp.down_proj.weight", "BF16", {8, 16});
  for (const auto& [name, dtype, shape] : extra) builder.add(name, dtype, shape);
  folder.write("config.json", tiny_hf_config("LlamaForCausalLM").dump());
  folder.write("model.safetensors", builder.build());
}

}  // namespace tinyllm::testing

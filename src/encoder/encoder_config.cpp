#include "encoder/encoder_config.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_field.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kLargest = 1 << 22;  // of every size: no encoder comes near

void check_architecture(const JsonField& root) {
  const JsonField type = root.member("model_type");
  if (!type.is_null() && type.string() != "bert")
    type.refuse(ErrorCode::unsupported, "'bert' in an encoder");
  const JsonField classes = root.member("architectures");
  if (classes.is_null() || classes.array().empty()) return;
  const JsonField name = classes.elements().front();
  if (!name.string().starts_with("Bert"))
    name.refuse(ErrorCode::unsupported, "'BertModel' in an encoder");
}

void check_variants(const JsonField& root) {
  const JsonField positions = root.member("position_embedding_type");
  if (positions.string_or("absolute") != "absolute")
    positions.refuse(ErrorCode::unsupported, "'absolute'");
  const JsonField activation = root.member("hidden_act");
  if (activation.string_or("gelu") != "gelu") activation.refuse(ErrorCode::unsupported, "'gelu'");
  const JsonField decoder = root.member("is_decoder");
  if (decoder.boolean_or(false)) decoder.refuse(ErrorCode::unsupported, "false");
}

}  // namespace

EncoderConfig read_encoder_config(const nlohmann::json& json, const std::string& source) {
  const JsonField root(json, source);
  check_architecture(root);
  check_variants(root);
  const auto size = [&](const char* name, std::int64_t fallback) {
    const JsonField field = root.member(name);
    const std::int64_t value = field.count_or(fallback);
    if (value < 1 || value > kLargest)
      field.refuse(ErrorCode::invalid_input, fmt::format("in [1, {}]", kLargest));
    return value;
  };
  EncoderConfig config;
  config.vocab_size = size("vocab_size", 30522);
  config.hidden_size = size("hidden_size", 768);
  config.intermediate_size = size("intermediate_size", 3072);
  config.n_layers = size("num_hidden_layers", 12);
  config.n_heads = size("num_attention_heads", 12);
  config.max_positions = size("max_position_embeddings", 512);
  config.n_token_types = size("type_vocab_size", 2);
  config.norm_eps = static_cast<float>(root.member("layer_norm_eps").number_or(1e-12));
  if (config.norm_eps < 0.0f)
    root.member("layer_norm_eps").refuse(ErrorCode::invalid_input, ">= 0");
  if (config.hidden_size % config.n_heads != 0) {
    root.member("hidden_size")
        .refuse(ErrorCode::invalid_input,
                fmt::format("a multiple of num_attention_heads ({})", config.n_heads));
  }
  return config;
}

}  // namespace tinyllm

#include "loader/config_from_hf.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/quote.h"
#include "loader/architecture.h"
#include "loader/json_fields.h"
#include "loader/rope_from_hf.h"

namespace tinyllm {
namespace {

const Architecture& architecture_of(const JsonFields& fields) {
  const nlohmann::json* classes = fields.find("architectures");
  if (classes != nullptr && classes->is_array() && !classes->empty() &&
      classes->front().is_string()) {
    return find_architecture_by_class(classes->front().get_ref<const std::string&>(),
                                      fields.source());
  }
  const auto model_type = fields.find_string("model_type");
  if (!model_type) {
    fail(ErrorCode::invalid_input,
         "{}: names no architecture: \"architectures\" and \"model_type\" "
         "are missing",
         fields.source());
  }
  return find_architecture(*model_type, fields.source());
}

void refuse_quantized(const JsonFields& fields) {
  for (const char* key : {"quantization_config", "compression_config"}) {
    const nlohmann::json* quantization = fields.find(key);
    if (quantization == nullptr) continue;
    const auto method = quantization->is_object() && quantization->contains("quant_method") &&
                                (*quantization)["quant_method"].is_string()
                            ? (*quantization)["quant_method"].get<std::string>()
                            : "unknown";
    fail(
        ErrorCode::unsupported,
        "{}: {} says that the weights are quantised ({}), which is not supported; use the model in "
        "F32, F16 or BF16, or a GGUF file",
        fields.source(), key, quote(method));
  }
}

// Layers that see only the last tokens. transformers: active from layer max_window_layers on, or
// where layer_types says so.
void refuse_sliding_window(const JsonFields& fields, std::int64_t n_layers) {
  const auto refuse = [&](const char* key) {
    fail(ErrorCode::unsupported,
         "{}: {} asks for sliding-window attention, which is not supported; supported is full "
         "attention",
         fields.source(), key);
  };
  if (const nlohmann::json* types = fields.find("layer_types")) {
    for (const nlohmann::json& type : *types) {
      if (type != "full_attention") refuse("layer_types");
    }
    return;
  }
  if (!fields.find_bool("use_sliding_window").value_or(false)) return;
  if (fields.is_null("sliding_window")) return;
  constexpr std::int64_t kDefaultMaxWindowLayers = 28;
  if (fields.find_count("max_window_layers").value_or(kDefaultMaxWindowLayers) < n_layers) {
    refuse("use_sliding_window");
  }
}

void refuse_unsupported(const JsonFields& fields, const Architecture& architecture,
                        std::int64_t n_layers) {
  refuse_quantized(fields);
  if (architecture.has_sliding_window) refuse_sliding_window(fields, n_layers);
  const std::string activation = fields.find_string("hidden_act").value_or("silu");
  if (activation != "silu") {
    fail(ErrorCode::unsupported,
         "{}: hidden_act is {}, which is not supported; supported is 'silu'", fields.source(),
         quote(activation));
  }
  for (const char* key : {"num_experts", "num_local_experts"}) {
    if (fields.find_count(key).value_or(0) > 0) {
      fail(ErrorCode::unsupported,
           "{}: {} asks for a mixture of experts, which is not supported yet", fields.source(),
           key);
    }
  }
}

std::int64_t head_dim_of(const JsonFields& fields, const ModelConfig& config, std::int64_t absent) {
  if (const auto head_dim = fields.find_count("head_dim")) return *head_dim;
  if (absent != 0 && !fields.is_null("head_dim")) return absent;
  if (config.n_heads == 0 || config.hidden_size % config.n_heads != 0) {
    fail(ErrorCode::invalid_input,
         "{}: hidden_size is {}, must be a multiple of num_attention_heads ({})", fields.source(),
         config.hidden_size, config.n_heads);
  }
  return config.hidden_size / config.n_heads;
}

}  // namespace

ModelConfig config_from_hf(const nlohmann::json& json, const std::string& source) {
  const JsonFields fields(json, source);
  const Architecture& architecture = architecture_of(fields);
  const HuggingFaceDefaults& absent = architecture.defaults;
  const auto count = [&](const char* key, std::int64_t value) {
    return fields.find_count(key).value_or(value);
  };
  const auto flag = [&](const char* key) { return fields.find_bool(key).value_or(false); };

  ModelConfig config;
  config.architecture = architecture.name;
  config.vocab_size = count("vocab_size", absent.vocab_size);
  config.hidden_size = count("hidden_size", absent.hidden_size);
  config.intermediate_size = count("intermediate_size", absent.intermediate_size);
  config.n_layers = count("num_hidden_layers", absent.n_layers);
  config.n_heads = count("num_attention_heads", absent.n_heads);
  const bool kv_by_default = absent.n_kv_heads != 0 && !fields.is_null("num_key_value_heads");
  config.n_kv_heads =
      count("num_key_value_heads", kv_by_default ? absent.n_kv_heads : config.n_heads);
  config.head_dim = head_dim_of(fields, config, absent.head_dim);
  config.max_seq_len = count("max_position_embeddings", absent.max_seq_len);
  config.norm_eps =
      static_cast<float>(fields.find_number("rms_norm_eps").value_or(absent.norm_eps));
  config.rope_pairing = RopePairing::split_halves;
  config.qk_norm = architecture.qk_norm;
  const bool attention_bias =
      architecture.attention_bias == AttentionBias::by_config && flag("attention_bias");
  config.qkv_bias = attention_bias || architecture.attention_bias == AttentionBias::q_k_v;
  config.o_bias = attention_bias;
  config.mlp_bias = architecture.has_mlp_bias && flag("mlp_bias");
  config.tie_word_embeddings = flag("tie_word_embeddings");
  refuse_unsupported(fields, architecture, config.n_layers);
  read_rope(fields, absent.rope_theta, config);
  validate(config, source);
  return config;
}

}  // namespace tinyllm

#include "loader/config_from_hf.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/json_field.h"
#include "base/quote.h"
#include "loader/architecture.h"
#include "loader/rope_from_hf.h"
#include "loader/windows_from_hf.h"

namespace tinyllm {
namespace {

const Architecture& architecture_of(const JsonField& root) {
  const JsonField classes = root.member("architectures");
  if (!classes.is_null() && !classes.array().empty()) {
    return find_architecture_by_class(classes.elements().front().string(), root.source());
  }
  const JsonField model_type = root.member("model_type");
  if (model_type.is_null()) {
    fail(ErrorCode::invalid_input,
         "{}: names no architecture: \"architectures\" and \"model_type\" are missing",
         root.source());
  }
  return find_architecture_by_type(model_type.string(), root.source());
}

void refuse_quantized(const JsonField& root) {
  for (const char* key : {"quantization_config", "compression_config"}) {
    const JsonField quantization = root.member(key);
    if (quantization.is_null()) continue;
    fail(
        ErrorCode::unsupported,
        "{}: {} says that the weights are quantised ({}), which is not supported; use the model in "
        "F32, F16 or BF16, or a GGUF file",
        root.source(), key, quote(quantization.member("quant_method").string_or("unknown")));
  }
}

void refuse_unsupported(const JsonField& root, const Architecture& architecture) {
  refuse_quantized(root);
  const JsonField activation = root.member("hidden_act");
  if (activation.string_or("silu") != "silu") activation.refuse(ErrorCode::unsupported, "'silu'");
  for (const char* key : {"num_experts", "num_local_experts"}) {
    if (architecture.moe.n_experts == 0 && root.member(key).count_or(0) > 0) {
      fail(ErrorCode::unsupported,
           "{}: {} asks for a mixture of experts, which is not supported in a {} model",
           root.source(), key, architecture.name);
    }
  }
}

std::int64_t head_dim_of(const JsonField& root, const ModelConfig& config, std::int64_t absent) {
  const JsonField head_dim = root.member("head_dim");
  if (!head_dim.is_null()) return head_dim.count();
  if (absent != 0 && !head_dim.exists()) return absent;
  if (config.n_heads == 0 || config.hidden_size % config.n_heads != 0) {
    fail(ErrorCode::invalid_input,
         "{}: hidden_size is {}, must be a multiple of num_attention_heads ({})", root.source(),
         config.hidden_size, config.n_heads);
  }
  return config.hidden_size / config.n_heads;
}

// transformers: a layer has experts when it is the last of decoder_sparse_step layers and none of
// mlp_only_layers.
MoeConfig moe_of(const JsonField& root, const MoeDefaults& absent, std::int64_t n_layers) {
  MoeConfig moe;
  const auto count = [&](const char* key, std::int64_t value) {
    return root.member(key).count_or(value);
  };
  if (absent.n_experts == 0) return moe;
  // Qwen3-MoE of transformers 5 says num_local_experts.
  moe.n_experts = count("num_experts", count("num_local_experts", absent.n_experts));
  if (moe.n_experts == 0) return moe;
  moe.n_experts_per_token = count("num_experts_per_tok", absent.n_experts_per_token);
  moe.intermediate_size = count("moe_intermediate_size", absent.intermediate_size);
  if (absent.shared_intermediate_size != 0) {
    moe.shared_intermediate_size =
        count("shared_expert_intermediate_size", absent.shared_intermediate_size);
  }
  moe.norm_weights = root.member("norm_topk_prob").boolean_or(false);
  const JsonField step = root.member("decoder_sparse_step");
  if (step.count_or(1) < 1) step.refuse(ErrorCode::invalid_input, "at least 1");
  std::set<std::int64_t> dense;
  if (const JsonField layers = root.member("mlp_only_layers"); !layers.is_null()) {
    for (const JsonField& layer : layers.elements()) dense.insert(layer.count());
  }
  for (std::int64_t layer = 0; layer < n_layers; ++layer) {
    if (dense.contains(layer) || (layer + 1) % step.count_or(1) != 0)
      moe.dense_layers.push_back(layer);
  }
  return moe;
}

}  // namespace

ModelConfig config_from_hf(const nlohmann::json& json, const std::string& source) {
  const JsonField root(json, source);
  const Architecture& architecture = architecture_of(root);
  const HuggingFaceDefaults& absent = architecture.defaults;
  const auto count = [&](const char* key, std::int64_t value) {
    return root.member(key).count_or(value);
  };
  const auto flag = [&](const char* key) { return root.member(key).boolean_or(false); };

  ModelConfig config;
  config.architecture = architecture.name;
  config.vocab_size = count("vocab_size", absent.vocab_size);
  config.hidden_size = count("hidden_size", absent.hidden_size);
  config.intermediate_size = count("intermediate_size", absent.intermediate_size);
  config.n_layers = count("num_hidden_layers", absent.n_layers);
  config.n_heads = count("num_attention_heads", absent.n_heads);
  const bool kv_by_default = absent.n_kv_heads != 0 && !root.member("num_key_value_heads").exists();
  config.n_kv_heads =
      count("num_key_value_heads", kv_by_default ? absent.n_kv_heads : config.n_heads);
  config.head_dim = head_dim_of(root, config, absent.head_dim);
  config.max_seq_len = count("max_position_embeddings", absent.max_seq_len);
  config.norm_eps = static_cast<float>(root.member("rms_norm_eps").number_or(absent.norm_eps));
  config.rope_pairing = RopePairing::split_halves;
  config.qk_norm = architecture.qk_norm;
  const bool attention_bias =
      architecture.attention_bias == AttentionBias::by_config && flag("attention_bias");
  config.qkv_bias = attention_bias || (architecture.attention_bias == AttentionBias::q_k_v &&
                                       root.member("qkv_bias").boolean_or(true));
  config.o_bias = attention_bias;
  config.mlp_bias = architecture.has_mlp_bias && flag("mlp_bias");
  config.tie_word_embeddings = flag("tie_word_embeddings");
  refuse_unsupported(root, architecture);
  validate_n_layers(config, source);
  read_windows(root, architecture, config);
  config.moe = moe_of(root, architecture.moe, config.n_layers);
  read_rope(root, absent.rope_theta, config);
  validate(config, source);
  return config;
}

}  // namespace tinyllm

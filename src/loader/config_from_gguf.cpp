#include "loader/config_from_gguf.h"

#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/quote.h"
#include "loader/architecture.h"
#include "loader/weight_names.h"
#include "rope/yarn.h"

namespace tinyllm {
namespace {

constexpr WeightNaming kNaming = WeightNaming::gguf;

// Reads keys below the architecture's name: key("block_count") is "llama.block_count".
class ConfigReader {
 public:
  ConfigReader(const GgufMetadata& metadata, const TensorMap& tensors)
      : metadata_(metadata), tensors_(tensors), source_(metadata.source()) {}

  ModelConfig read() {
    const Architecture& architecture =
        find_architecture(metadata_.require_string("general.architecture"), source_);
    config_.architecture = architecture.name;
    config_.qk_norm = architecture.qk_norm;
    config_.rope_pairing = architecture.gguf_rope_pairing;
    refuse_unsupported();
    read_sizes();
    validate_n_layers(config_, source_);
    read_windows();
    read_moe(architecture.moe);
    read_rope();
    read_what_the_tensors_say();
    validate(config_, source_);
    return std::move(config_);
  }

 private:
  std::string key(const char* name) const { return config_.architecture + "." + name; }

  void refuse_unsupported() const {
    if (!metadata_.find_bool(key("attention.causal")).value_or(true)) {
      fail(ErrorCode::unsupported, "{}: {} is false; only causal decoders are supported", source_,
           key("attention.causal"));
    }
  }

  void read_sizes() {
    config_.hidden_size = metadata_.require_count(key("embedding_length"));
    config_.intermediate_size = metadata_.require_count(key("feed_forward_length"));
    config_.n_layers = metadata_.require_count(key("block_count"));
    config_.n_heads = metadata_.require_count(key("attention.head_count"));
    config_.n_kv_heads =
        metadata_.find_count(key("attention.head_count_kv")).value_or(config_.n_heads);
    config_.max_seq_len = metadata_.require_count(key("context_length"));
    config_.norm_eps =
        static_cast<float>(metadata_.require_float(key("attention.layer_norm_rms_epsilon")));
    read_head_dim();
  }

  // All layers have the window, or those that the pattern marks.
  void read_windows() {
    const std::int64_t window = metadata_.find_count(key("attention.sliding_window")).value_or(0);
    if (window == 0) return;
    const std::string name = key("attention.sliding_window_pattern");
    const std::vector<bool> all(static_cast<std::size_t>(config_.n_layers), true);
    const std::vector<bool> pattern = metadata_.find_flags(name).value_or(all);
    if (std::ssize(pattern) != config_.n_layers) {
      fail(ErrorCode::invalid_input, "{}: {} has {} entries, must have one for each of {} layers",
           source_, name, pattern.size(), config_.n_layers);
    }
    for (const bool has : pattern) config_.windows.push_back({.window = has ? window : 0});
  }

  void read_moe(const MoeDefaults& absent) {
    MoeConfig& moe = config_.moe;
    moe.n_experts = metadata_.find_count(key("expert_count")).value_or(0);
    if (moe.n_experts == 0) return;
    if (absent.n_experts == 0) {
      fail(ErrorCode::unsupported,
           "{}: {} asks for a mixture of experts, which is not supported in a {} model", source_,
           key("expert_count"), config_.architecture);
    }
    refuse_other_routers();
    moe.n_experts_per_token = metadata_.require_count(key("expert_used_count"));
    moe.norm_weights =
        metadata_.find_bool(key("expert_weights_norm")).value_or(absent.gguf_norm_weights);
    for (std::int64_t layer = 0; layer < config_.n_layers; ++layer) {
      if (tensors_.contains(layer_weight_name(kNaming, layer, kGateProj)))
        moe.dense_layers.push_back(layer);
    }
    moe.intermediate_size = expert_size("expert_feed_forward_length", kExpertGateProj);
    moe.shared_intermediate_size =
        expert_size("expert_shared_feed_forward_length", kSharedGateProj);
  }

  // As the key says; files without it say it by the rows of their weights. 0: there are none.
  std::int64_t expert_size(const char* name, const WeightName& weight) const {
    if (const auto said = metadata_.find_count(key(name))) return *said;
    for (std::int64_t layer = 0; layer < config_.n_layers; ++layer) {
      const auto found = tensors_.find(layer_weight_name(kNaming, layer, weight));
      if (found == tensors_.end() || found->second.shape.n_dims() < 2) continue;
      const Shape& shape = found->second.shape;
      return shape[shape.n_dims() - 2];
    }
    return 0;
  }

  void refuse_other_routers() const {
    constexpr std::int64_t kSoftmax = 1;  // llama.cpp's number; 0: it is not said
    if (const auto gating = metadata_.find_count(key("expert_gating_func")).value_or(0);
        gating != 0 && gating != kSoftmax) {
      fail(ErrorCode::unsupported, "{}: {} is {}, which is not supported; supported is 1, softmax",
           source_, key("expert_gating_func"), gating);
    }
    if (metadata_.find_count(key("expert_group_count")).value_or(1) > 1) {
      fail(ErrorCode::unsupported, "{}: {}: experts in groups are not supported", source_,
           key("expert_group_count"));
    }
    const double scale = metadata_.find_float(key("expert_weights_scale")).value_or(1.0);
    if (scale != 1.0 && scale != 0.0) {
      fail(ErrorCode::unsupported, "{}: {} is {}, must be 1", source_, key("expert_weights_scale"),
           scale);
    }
  }

  void read_head_dim() {
    const auto key_length = metadata_.find_count(key("attention.key_length"));
    if (!key_length && (config_.n_heads == 0 || config_.hidden_size % config_.n_heads != 0)) {
      fail(ErrorCode::invalid_input, "{}: {} is {}, must be a multiple of {} ({})", source_,
           key("embedding_length"), config_.hidden_size, key("attention.head_count"),
           config_.n_heads);
    }
    config_.head_dim = key_length ? *key_length : config_.hidden_size / config_.n_heads;
    require_head_dim("attention.value_length");
    require_head_dim("rope.dimension_count");
  }

  void require_head_dim(const char* name) const {
    const std::int64_t found = metadata_.find_count(key(name)).value_or(config_.head_dim);
    if (found != config_.head_dim) {
      fail(ErrorCode::unsupported, "{}: {} is {}, must equal the head size {}", source_, key(name),
           found, config_.head_dim);
    }
  }

  void read_rope() {
    config_.rope_theta = metadata_.find_float(key("rope.freq_base")).value_or(10000.0);
    RopeScaling& scaling = config_.rope_scaling;
    // Older files say "scale_linear"; a factor without a type is linear, as in llama.cpp.
    scaling.factor = metadata_.find_float(key("rope.scaling.factor"))
                         .value_or(metadata_.find_float(key("rope.scale_linear")).value_or(0.0));
    const bool has_factor = scaling.factor != 0.0;
    if (!has_factor) scaling.factor = 1.0;
    const std::string_view type =
        metadata_.find_string(key("rope.scaling.type")).value_or(has_factor ? "linear" : "none");
    if (type == "linear") {
      scaling.type = has_factor ? RopeScaling::Type::linear : RopeScaling::Type::none;
    } else if (type == "yarn") {
      read_yarn();
    } else if (type == "none") {
      scaling.factor = 1.0;
    } else {
      fail(ErrorCode::unsupported,
           "{}: {} is {}, which is not supported; supported are none, linear, yarn", source_,
           key("rope.scaling.type"), quote(type));
    }
  }

  void read_yarn() {
    RopeScaling& scaling = config_.rope_scaling;
    scaling.type = RopeScaling::Type::yarn;
    const auto number = [&](const char* name, double absent) {
      return metadata_.find_float(key(name)).value_or(absent);
    };
    const std::int64_t original =
        metadata_.find_count(key("rope.scaling.original_context_length")).value_or(0);
    scaling.original_max_seq_len =
        static_cast<double>(original > 0 ? original : config_.max_seq_len);
    scaling.beta_fast = number("rope.scaling.yarn_beta_fast", 32.0);
    scaling.beta_slow = number("rope.scaling.yarn_beta_slow", 1.0);
    const double ext_factor = number("rope.scaling.yarn_ext_factor", 1.0);
    if (ext_factor != 1.0) {
      fail(ErrorCode::unsupported, "{}: {} is {}, must be 1", source_,
           key("rope.scaling.yarn_ext_factor"), ext_factor);
    }
    // Both factors multiply the paper's default.
    scaling.attention_factor = yarn_mscale(scaling.factor) *
                               number("rope.scaling.attn_factor", 1.0) *
                               number("rope.scaling.yarn_attn_factor", 1.0);
    config_.max_seq_len = yarn_max_seq_len(scaling, config_.max_seq_len);
  }

  void read_what_the_tensors_say() {
    const std::string embedding_name = weight_name(kNaming, kEmbedTokens);
    const auto embedding = tensors_.find(embedding_name);
    if (embedding == tensors_.end() || embedding->second.shape.n_dims() != 2) {
      fail(ErrorCode::invalid_input,
           "{}: tensor {} is missing or is not a matrix; the file is not a complete language model",
           source_, quote(embedding_name));
    }
    config_.vocab_size = embedding->second.shape[0];
    config_.tie_word_embeddings = !tensors_.contains(weight_name(kNaming, kLmHead));
    config_.qkv_bias = has_bias(kQProj);
    config_.o_bias = has_bias(kOProj);
    config_.mlp_bias = has_bias(kGateProj);
    read_rope_freqs();
  }

  bool has_bias(const WeightName& name) const {
    return tensors_.contains(layer_weight_name(kNaming, 0, name, WeightPart::bias));
  }

  void read_rope_freqs() {
    const auto found = tensors_.find(kRopeFreqs);
    if (found == tensors_.end()) return;
    const Tensor& factors = found->second;
    if (factors.dtype != DType::f32 || factors.shape != Shape{config_.head_dim / 2}) {
      fail(ErrorCode::invalid_input, "{}: tensor {} is {} {}, must be f32 {}", source_,
           quote(kRopeFreqs), name(factors.dtype), to_string(factors.shape), config_.head_dim / 2);
    }
    config_.rope_scaling.freq_factors.resize(config_.head_dim / 2);
    std::memcpy(config_.rope_scaling.freq_factors.data(), factors.data,
                static_cast<std::size_t>(factors.n_bytes()));
  }

  const GgufMetadata& metadata_;
  const TensorMap& tensors_;
  const std::string& source_;
  ModelConfig config_;
};

}  // namespace

ModelConfig config_from_gguf(const GgufMetadata& metadata, const TensorMap& tensors) {
  return ConfigReader(metadata, tensors).read();
}

}  // namespace tinyllm

#include "loader/export/config_to_gguf.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "rope/rope_frequencies.h"
#include "rope/yarn.h"

namespace tinyllm {
namespace {

void add_yarn_keys(const RopeScaling& scaling, const std::string& prefix, GgufKeys& keys) {
  if (!scaling.truncate) {
    fail(ErrorCode::unsupported,
         "{}: rope_scaling.truncate is false, which GGUF files cannot say; nothing is written",
         keys.metadata().source());
  }
  keys.add_string(prefix + "type", "yarn");
  keys.add_float(prefix + "factor", scaling.factor);
  keys.add_count(prefix + "original_context_length", std::llround(scaling.original_max_seq_len));
  keys.add_float(prefix + "yarn_beta_fast", scaling.beta_fast);
  keys.add_float(prefix + "yarn_beta_slow", scaling.beta_slow);
  // The key multiplies the paper's default.
  const double usual = yarn_mscale(scaling.factor);
  const double wanted = scaling.attention_factor == 0.0 ? usual : scaling.attention_factor;
  if (wanted != usual) keys.add_float(prefix + "attn_factor", wanted / usual);
}

void add_moe_keys(const MoeConfig& moe, const std::string& prefix, GgufKeys& keys) {
  if (moe.n_experts == 0) return;
  keys.add_count(prefix + "expert_count", moe.n_experts);
  keys.add_count(prefix + "expert_used_count", moe.n_experts_per_token);
  keys.add_count(prefix + "expert_feed_forward_length", moe.intermediate_size);
  if (moe.shared_intermediate_size != 0) {
    keys.add_count(prefix + "expert_shared_feed_forward_length", moe.shared_intermediate_size);
  }
  keys.add_bool(prefix + "expert_weights_norm", moe.norm_weights);
}

// One window for the layers that have one: files do not say more.
void add_window_keys(const ModelConfig& config, const std::string& prefix, GgufKeys& keys) {
  if (config.windows.empty()) return;
  std::int64_t window = 0;
  std::vector<std::int32_t> pattern;
  for (const AttentionWindow& layer : config.windows) {
    CHECK(layer.sinks == 0, "a file cannot say that there are {} sinks", layer.sinks);
    window = std::max(window, layer.window);
    pattern.push_back(layer.window > 0 ? 1 : 0);
  }
  keys.add_count(prefix + "attention.sliding_window", window);
  if (std::ranges::find(pattern, 0) != pattern.end())
    keys.add_integers(prefix + "attention.sliding_window_pattern", pattern);
}

}  // namespace

void add_config_keys(const ModelConfig& config, GgufKeys& keys) {
  const std::string prefix = config.architecture + ".";
  keys.add_string("general.architecture", config.architecture);
  keys.add_count(prefix + "vocab_size", config.vocab_size);
  keys.add_count(prefix + "context_length", config.max_seq_len);
  keys.add_count(prefix + "embedding_length", config.hidden_size);
  keys.add_count(prefix + "feed_forward_length", config.intermediate_size);
  keys.add_count(prefix + "block_count", config.n_layers);
  keys.add_count(prefix + "attention.head_count", config.n_heads);
  keys.add_count(prefix + "attention.head_count_kv", config.n_kv_heads);
  keys.add_count(prefix + "attention.key_length", config.head_dim);
  keys.add_count(prefix + "attention.value_length", config.head_dim);
  keys.add_float(prefix + "attention.layer_norm_rms_epsilon", double{config.norm_eps});
  keys.add_count(prefix + "rope.dimension_count", config.head_dim);
  keys.add_float(prefix + "rope.freq_base", config.rope_theta);
  add_window_keys(config, prefix, keys);
  add_moe_keys(config.moe, prefix, keys);
  const RopeScaling& scaling = config.rope_scaling;
  if (scaling.type == RopeScaling::Type::linear) {
    keys.add_string(prefix + "rope.scaling.type", "linear");
    keys.add_float(prefix + "rope.scaling.factor", scaling.factor);
  } else if (scaling.type == RopeScaling::Type::yarn) {
    add_yarn_keys(scaling, prefix + "rope.scaling.", keys);
  }
}

std::vector<float> gguf_rope_freqs(const ModelConfig& config) {
  const bool by_table = config.rope_scaling.type == RopeScaling::Type::llama3 ||
                        !config.rope_scaling.freq_factors.empty();
  if (!by_table) return {};
  const std::vector<double> from =
      rope_frequencies(config.head_dim, config.rope_theta, {}).inv_freq;
  const std::vector<double> to =
      rope_frequencies(config.head_dim, config.rope_theta, config.rope_scaling).inv_freq;
  std::vector<float> factors;
  for (std::size_t i = 0; i < from.size(); ++i) {
    factors.push_back(static_cast<float>(from[i] / to[i]));
  }
  return factors;
}

}  // namespace tinyllm

#include "loader/model_config.h"

#include <cmath>

#include "base/check.h"
#include "base/error.h"

namespace tinyllm {
namespace {

// Far above any published model, and small enough that a product of three fits into 63 bits.
constexpr std::int64_t kMaxVocab = 1 << 24;
constexpr std::int64_t kMaxWidth = 1 << 20;
constexpr std::int64_t kMaxCount = 1 << 13;  // layers, heads, elements of a head
constexpr std::int64_t kMaxPositions = 1 << 30;
constexpr std::int64_t kMaxSinks = 256;  // more would be a text, not an anchor

void require_range(const std::string& source, const char* field, std::int64_t value,
                   std::int64_t max) {
  if (value >= 1 && value <= max) return;
  fail(ErrorCode::invalid_input, "{}: {} is {}, must be in [1, {}]", source, field, value, max);
}

// Not-a-number fails every comparison, so the wanted range is what is tested.
void require_between(const std::string& source, const char* field, double value, double min,
                     double max) {
  if (value >= min && value <= max) return;
  fail(ErrorCode::invalid_input, "{}: {} is {}, must be in [{}, {}]", source, field, value, min,
       max);
}

void validate_scaling(const ModelConfig& config, const std::string& source) {
  const RopeScaling& scaling = config.rope_scaling;
  require_between(source, "rope scaling factor", scaling.factor, 1e-3, 1e6);
  if (scaling.type == RopeScaling::Type::llama3 || scaling.type == RopeScaling::Type::yarn) {
    require_between(source, "original_max_position_embeddings", scaling.original_max_seq_len, 1,
                    static_cast<double>(kMaxPositions));
  }
  if (scaling.type == RopeScaling::Type::llama3) {
    require_between(source, "low_freq_factor", scaling.low_freq_factor, 1e-3, 1e6);
    require_between(source, "high_freq_factor", scaling.high_freq_factor, 1e-3, 1e6);
    if (scaling.high_freq_factor <= scaling.low_freq_factor) {
      fail(ErrorCode::invalid_input, "{}: high_freq_factor is {}, must be above low_freq_factor {}",
           source, scaling.high_freq_factor, scaling.low_freq_factor);
    }
  }
  if (scaling.type == RopeScaling::Type::yarn) {
    require_between(source, "beta_fast", scaling.beta_fast, 1e-3, 1e6);
    require_between(source, "beta_slow", scaling.beta_slow, 1e-3, 1e6);
    require_between(source, "attention_factor", scaling.attention_factor, 0, 1e6);
  }
  for (const float factor : scaling.freq_factors) {
    require_between(source, "rope frequency factor", factor, 1e-6, 1e6);
  }
}

void validate_moe(const MoeConfig& moe, const std::string& source) {
  if (moe.n_experts == 0) return;
  require_range(source, "the number of experts", moe.n_experts, kMaxCount);
  require_range(source, "the number of experts of a token", moe.n_experts_per_token, moe.n_experts);
  require_range(source, "the intermediate size of an expert", moe.intermediate_size, kMaxWidth);
  if (moe.shared_intermediate_size != 0) {
    require_range(source, "the intermediate size of the shared expert",
                  moe.shared_intermediate_size, kMaxWidth);
  }
}

void validate_windows(const ModelConfig& config, const std::string& source) {
  if (config.windows.empty()) return;
  CHECK(std::ssize(config.windows) == config.n_layers, "windows of {} layers",
        config.windows.size());
  for (const AttentionWindow& layer : config.windows) {
    if (layer.window != 0) {
      require_range(source, "the attention window", layer.window, kMaxPositions);
    }
    if (layer.sinks == 0) continue;
    require_range(source, "the attention window", layer.window, kMaxPositions);
    require_range(source, "the number of attention sinks", layer.sinks, kMaxSinks);
  }
}

}  // namespace

void validate_n_layers(const ModelConfig& config, const std::string& source) {
  require_range(source, "the number of layers", config.n_layers, kMaxCount);
}

void validate(const ModelConfig& config, const std::string& source) {
  require_range(source, "vocab_size", config.vocab_size, kMaxVocab);
  require_range(source, "hidden_size", config.hidden_size, kMaxWidth);
  require_range(source, "intermediate_size", config.intermediate_size, kMaxWidth);
  validate_n_layers(config, source);
  require_range(source, "the number of heads", config.n_heads, kMaxCount);
  require_range(source, "the number of k/v heads", config.n_kv_heads, kMaxCount);
  require_range(source, "head_dim", config.head_dim, kMaxCount);
  require_range(source, "the context length", config.max_seq_len, kMaxPositions);
  if (config.n_heads % config.n_kv_heads != 0) {
    fail(ErrorCode::invalid_input,
         "{}: the number of heads is {}, must be a multiple of {} k/v heads", source,
         config.n_heads, config.n_kv_heads);
  }
  if (config.head_dim % 2 != 0) {
    fail(ErrorCode::invalid_input, "{}: head_dim is {}, must be even", source, config.head_dim);
  }
  require_between(source, "the norm's epsilon", config.norm_eps, 0, 1);
  require_between(source, "rope_theta", config.rope_theta, 1, 1e15);
  validate_scaling(config, source);
  validate_moe(config.moe, source);
  validate_windows(config, source);
}

}  // namespace tinyllm

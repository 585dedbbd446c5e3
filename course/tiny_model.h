#pragma once
// A Qwen2 of a few numbers, made of a recorded case, with all that one of its passes needs: for the tests of
// attention.qwen2, model.block and model.decoder.

#include <deque>
#include <optional>
#include <string>

#include "learn/lesson_case.h"
#include "loader/model_weights.h"
#include "reference/forward_pass.h"
#include "reference/kv_rows.h"
#include "rope/rope_table.h"

namespace tinyllm::learn {

class TinyModel {
 public:
  explicit TinyModel(const Case& given) : given_(given) {
    config_.architecture = "qwen2";
    config_.n_heads = given.integer("n_heads");
    config_.n_kv_heads = given.integer("n_kv_heads");
    config_.head_dim = given.integer("head_dim");
    config_.n_layers = given.integer("n_layers");
    config_.hidden_size = given.integer("hidden_size");
    config_.intermediate_size = given.integer("intermediate_size");
    config_.vocab_size = given.integer("vocab_size");
    config_.max_seq_len = kMaxTokens;
    for (std::int64_t i = 0; i < config_.n_layers; ++i) weights_.layers.push_back(layer(i));
    weights_.embed_tokens = tensor("embed_tokens", config_.vocab_size);
    weights_.lm_head = tensor("lm_head", config_.vocab_size);
    weights_.final_norm = tensor("final_norm", 0);
    kv_rows_ = reference::make_kv_rows(config_.n_layers, kMaxTokens, config_.kv_size());
    activations_ = reference::make_activations(config_, kMaxTokens, kMaxTokens);
    rope_ = rope_table(rope_frequencies(config_.head_dim, config_.rope_theta, {}), kMaxTokens);
  }

  // A pass of n_tokens that follow what earlier passes left in the K/V rows.
  reference::ForwardPass pass(std::int64_t first_position, std::int64_t n_tokens) {
    const std::int64_t offset = first_position * config_.head_dim / 2;
    return {config_,
            pool_,
            first_position,
            n_tokens,
            rope_.cos.data() + offset,
            rope_.sin.data() + offset};
  }

  const ModelConfig& config() const { return config_; }
  const ModelWeights& weights() const { return weights_; }
  ThreadPool& pool() { return pool_; }
  reference::KvRows& kv_rows() { return kv_rows_; }
  reference::Activations& activations() { return activations_; }

 private:
  static constexpr std::int64_t kMaxTokens = 16;

  // [n_rows, the rest] f32, or [all] for 0 rows; empty where the case has no such weight.
  Tensor tensor(const std::string& name, std::int64_t n_rows) {
    if (!given_.has(name)) return {};
    owned_.push_back(given_.floats(name));
    const auto n = static_cast<std::int64_t>(owned_.back().size());
    Tensor view{reinterpret_cast<const std::byte*>(owned_.back().data()), DType::f32, {}};
    view.shape = n_rows == 0 ? Shape{n} : Shape{n_rows, n / n_rows};
    return view;
  }

  LayerWeights layer(std::int64_t i) {
    const std::string at = std::to_string(i) + ".";
    LayerWeights layer;
    layer.input_norm = tensor(at + "input_norm", 0);
    layer.q_proj = tensor(at + "q_proj", config_.q_size());
    layer.k_proj = tensor(at + "k_proj", config_.kv_size());
    layer.v_proj = tensor(at + "v_proj", config_.kv_size());
    layer.q_bias = tensor(at + "q_bias", 0);
    layer.k_bias = tensor(at + "k_bias", 0);
    layer.v_bias = tensor(at + "v_bias", 0);
    layer.o_proj = tensor(at + "o_proj", config_.hidden_size);
    layer.post_attention_norm = tensor(at + "post_attention_norm", 0);
    layer.mlp.gate_proj = tensor(at + "gate_proj", config_.intermediate_size);
    layer.mlp.up_proj = tensor(at + "up_proj", config_.intermediate_size);
    layer.mlp.down_proj = tensor(at + "down_proj", config_.hidden_size);
    return layer;
  }

  const Case& given_;
  ModelConfig config_;
  std::deque<Floats> owned_;  // what the tensors look at
  ModelWeights weights_;
  ThreadPool pool_{1};
  reference::KvRows kv_rows_;
  reference::Activations activations_;
  RopeTable rope_;
};

// A copy of n floats, as an answer is put.
inline Floats copied(const float* values, std::int64_t n) {
  Floats copy(static_cast<std::size_t>(n));
  std::copy_n(values, n, copy.data());
  return copy;
}

}  // namespace tinyllm::learn

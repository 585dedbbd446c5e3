#include "model/decoder.h"

#include <algorithm>
#include <cmath>

#include "loader/model_weights.h"
#include "model/matrix_packer.h"
#include "rope/rope_frequencies.h"
#include "rope/rope_table.h"

namespace tinyllm {
namespace {

AttentionSpec attention_spec(const ModelConfig& config, std::int64_t layer_idx) {
  AttentionSpec spec;
  spec.n_heads = static_cast<std::int32_t>(config.n_heads);
  spec.n_kv_heads = static_cast<std::int32_t>(config.n_kv_heads);
  spec.head_dim = static_cast<std::int32_t>(config.head_dim);
  spec.scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
  spec.rope_pairing = config.rope_pairing;
  const AttentionWindow window = config.window_of(layer_idx);
  spec.window = static_cast<std::int32_t>(window.window);
  spec.sinks = static_cast<std::int32_t>(window.sinks);
  return spec;
}

// VectorId::none where the model has no such weights.
VectorId pack_optional(Backend& backend, std::initializer_list<Tensor> parts) {
  if (!*parts.begin()) return VectorId::none;
  return backend.pack_vector({parts.begin(), parts.size()});
}

MlpSpec pack_mlp(Backend& backend, MatrixPacker& matrices, const MlpWeights& weights) {
  MlpSpec mlp;
  mlp.intermediate_size = static_cast<std::int32_t>(weights.gate_proj.n_rows());
  const Tensor gate_up[] = {weights.gate_proj, weights.up_proj};
  mlp.gate_up_proj = matrices.pack(gate_up, PartOrder::interleaved, Shard::rows);
  mlp.gate_up_bias = pack_optional(backend, {weights.gate_bias, weights.up_bias});
  mlp.down_proj = matrices.pack({&weights.down_proj, 1}, PartOrder::stacked, Shard::columns);
  mlp.down_bias = pack_optional(backend, {weights.down_bias});
  return mlp;
}

MoeSpec pack_moe(Backend& backend, MatrixPacker& matrices, const MoeConfig& config,
                 const MoeWeights& weights) {
  MoeSpec moe;
  moe.n_experts = static_cast<std::int32_t>(config.n_experts);
  moe.n_experts_per_token = static_cast<std::int32_t>(config.n_experts_per_token);
  moe.norm_weights = config.norm_weights;
  std::vector<Tensor> router = {weights.router};
  if (weights.shared_scale) {
    const Tensor& scale = weights.shared_scale;
    router.push_back({scale.data, scale.dtype, {1, scale.n_cols()}});
    moe.shared = pack_mlp(backend, matrices, weights.shared);
  }
  moe.router = backend.pack_router(router);
  for (const MlpWeights& expert : weights.experts)
    moe.experts.push_back(pack_mlp(backend, matrices, expert));
  backend.pack_experts(moe);
  return moe;
}

LayerSpec pack_layer(Backend& backend, MatrixPacker& matrices, const ModelConfig& config,
                     const LayerWeights& weights, std::int64_t layer_idx) {
  LayerSpec layer;
  layer.layer_idx = static_cast<std::int32_t>(layer_idx);
  layer.hidden_size = static_cast<std::int32_t>(config.hidden_size);
  layer.norm_eps = config.norm_eps;
  layer.attention = attention_spec(config, layer_idx);
  layer.input_norm = backend.pack_vector({&weights.input_norm, 1});
  const Tensor qkv[] = {weights.q_proj, weights.k_proj, weights.v_proj};
  layer.qkv_proj = matrices.pack(qkv, PartOrder::stacked, Shard::rows);
  layer.qkv_bias = pack_optional(backend, {weights.q_bias, weights.k_bias, weights.v_bias});
  layer.q_norm = pack_optional(backend, {weights.q_norm});
  layer.k_norm = pack_optional(backend, {weights.k_norm});
  layer.o_proj = matrices.pack({&weights.o_proj, 1}, PartOrder::stacked, Shard::columns);
  layer.o_bias = pack_optional(backend, {weights.o_bias});
  layer.post_attention_norm = backend.pack_vector({&weights.post_attention_norm, 1});
  if (weights.moe.router) {
    layer.moe = pack_moe(backend, matrices, config.moe, weights.moe);
  } else {
    layer.mlp = pack_mlp(backend, matrices, weights.mlp);
  }
  return layer;
}

// The backend has its own layout of them now.
void release_matrices(const Checkpoint& checkpoint, const LayerWeights& weights) {
  for (const Tensor* matrix : {&weights.q_proj, &weights.k_proj, &weights.v_proj, &weights.o_proj})
    checkpoint.release(*matrix);
  const auto release = [&](const MlpWeights& mlp) {
    for (const Tensor* matrix : {&mlp.gate_proj, &mlp.up_proj, &mlp.down_proj})
      if (*matrix) checkpoint.release(*matrix);
  };
  release(weights.mlp);
  release(weights.moe.shared);
  for (const MlpWeights& expert : weights.moe.experts) release(expert);
}

void set_rope_table(Backend& backend, const ModelConfig& config, std::int64_t n_positions) {
  const RopeTable table = rope_table(
      rope_frequencies(config.head_dim, config.rope_theta, config.rope_scaling), n_positions);
  backend.set_rope_table(table.cos, table.sin);
}

}  // namespace

Decoder::Decoder(const Checkpoint& checkpoint, Backend& backend, ThreadPool& pool,
                 const DecoderOptions& options,
                 function_ref<void(std::int64_t done, std::int64_t total)> progress)
    : backend_(&backend),
      vocab_size_(static_cast<std::int32_t>(checkpoint.config().vocab_size)),
      max_model_len_(options.max_model_len) {
  const ModelConfig& config = checkpoint.config();
  const ModelWeights weights = bind_weights(checkpoint);
  const auto n_layers = static_cast<std::int64_t>(weights.layers.size());
  MatrixPacker matrices(backend, pool, options.formats);
  embed_tokens_ = matrices.pack_table(weights.embed_tokens);
  const bool tied = weights.lm_head.data == weights.embed_tokens.data;
  head_.lm_head = tied ? embed_tokens_ : matrices.pack_table(weights.lm_head);
  checkpoint.release(weights.embed_tokens);
  checkpoint.release(weights.lm_head);
  head_.final_norm = backend.pack_vector({&weights.final_norm, 1});
  head_.norm_eps = config.norm_eps;
  for (std::int64_t i = 0; i < n_layers; ++i) {
    const LayerWeights& layer = weights.layers[i];
    layers_.push_back(pack_layer(backend, matrices, config, layer, i));
    release_matrices(checkpoint, layer);
    progress(i + 1, n_layers);
  }
  set_rope_table(backend, config, options.max_model_len);
}

BackendSizes Decoder::sizes() const {
  BackendSizes sizes;
  for (const LayerSpec& layer : layers_) {
    sizes.attention.push_back(layer.attention);
    const MoeSpec& moe = layer.moe;
    sizes.intermediate_size = std::max(
        {sizes.intermediate_size, layer.mlp.intermediate_size, moe.shared.intermediate_size});
    if (moe.n_experts == 0) continue;
    sizes.intermediate_size =
        std::max(sizes.intermediate_size, moe.experts.front().intermediate_size);
    sizes.max_experts = std::max(sizes.max_experts, moe.n_experts);
    sizes.max_experts_per_token =
        std::max(sizes.max_experts_per_token, moe.n_experts_per_token + (moe.has_shared() ? 1 : 0));
  }
  sizes.hidden_size = layers_.front().hidden_size;
  sizes.vocab_size = vocab_size_;
  sizes.limits.max_model_len = max_model_len_;
  return sizes;
}

std::int64_t Decoder::weight_bytes_a_token() const {
  const bool tied = head_.lm_head == embed_tokens_;
  std::int64_t n_bytes =
      backend_->packed_bytes() - (tied ? 0 : backend_->packed_bytes(embed_tokens_));
  for (const LayerSpec& layer : layers_) {  // less the experts that a token does not use
    const MoeSpec& moe = layer.moe;
    if (moe.n_experts == 0) continue;
    const MlpSpec& expert = moe.experts.front();
    n_bytes -=
        (moe.n_experts - moe.n_experts_per_token) *
        (backend_->packed_bytes(expert.gate_up_proj) + backend_->packed_bytes(expert.down_proj));
  }
  return n_bytes;
}

void Decoder::step(const StepBatch& batch) {
  backend_->begin_step(batch);
  backend_->run(Recipe::replayable, [&] { play([](std::int32_t) {}); });
}

void Decoder::step_watched(const StepBatch& batch,
                           function_ref<void(std::int32_t layer_idx)> after_layer) {
  backend_->begin_step(batch);
  backend_->run(Recipe::watched, [&] { play(after_layer); });
}

void Decoder::play(function_ref<void(std::int32_t layer_idx)> after_layer) {
  backend_->embed(embed_tokens_);
  after_layer(-1);
  for (const LayerSpec& layer : layers_) {
    backend_->attention_input(layer);
    backend_->attention(layer);
    backend_->attention_output(layer);
    if (layer.moe.n_experts > 0) {
      backend_->experts(layer);
    } else {
      backend_->mlp(layer);
    }
    after_layer(layer.layer_idx);
  }
  backend_->head(head_);
}

}  // namespace tinyllm

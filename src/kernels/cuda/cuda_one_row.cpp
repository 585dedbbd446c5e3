// Steps of one token through the one-row kernel: which models, which steps, and the table of layers.

#include <cstdlib>

#include "base/check.h"
#include "kernels/cuda/cuda_backend.h"

namespace tinyllm::cuda {
namespace {

// From so many bytes of a token's weights in a layer on, and before this position, one kernel of all
// layers is the faster way (docs/gpu.md).
constexpr std::int64_t kMinOneRowLayerBytes = std::int64_t{120} << 20;
constexpr std::int32_t kFastOneRowPositions = 1024;

// TINYLLM_ONE_ROW: 0 never, 1 wherever it can be; else as the sizes say.
char one_row_choice() {
  const char* const value = std::getenv("TINYLLM_ONE_ROW");
  return value == nullptr ? '\0' : value[0];
}

}  // namespace

// The table is filled by the first step that meets all layers; its memory is taken here.
void CudaBackend::configure_one_row() {
  if (context_.is_deterministic() || attention_.window > 0) return;
  OneRowShape& shape = one_row_shape_;
  shape.n_layers = static_cast<std::int32_t>(sizes_.attention.size());
  shape.hidden_size = sizes_.hidden_size;
  shape.n_heads = attention_.n_heads;
  shape.n_kv_heads = attention_.n_kv_heads;
  shape.head_dim = attention_.head_dim;
  shape.block_size = kv_.block_size;
  shape.rope_pairing = attention_.rope_pairing;
  shape.attention_scale = attention_.scale;
  one_row_table_ =
      zeroed(shape.n_layers * static_cast<std::int64_t>(sizeof(OneRowLayer)), "layers");
  one_row_scratch_ = zeroed(one_row_scratch_floats(context_, shape) * 4, "activations");
}

// All matrices have one format.
bool CudaBackend::has_one_row_format(WeightFormat format, int product) {
  if (one_row_layers_.empty() && product == kQkv) one_row_shape_.format = format;
  return one_row_shape_.format == format;
}

// A matrix in one section.
bool CudaBackend::one_row_matrix(MatrixId id, OneRowLayer& layer, int product) {
  const Matrix& m = matrix(id);
  if (m.sections.size() != 1) return false;
  layer.matrices[product] = m.sections[0].data;
  return has_one_row_format(m.sections[0].format, product);
}

bool CudaBackend::one_row_layer(const LayerSpec& spec, OneRowLayer& layer) {
  OneRowShape& shape = one_row_shape_;
  const MoeSpec& moe = spec.moe;
  const bool has_experts = moe.n_experts > 0;
  const std::int32_t intermediate =
      has_experts ? moe.experts.front().intermediate_size : spec.mlp.intermediate_size;
  if (spec.layer_idx == 0) {
    shape.intermediate_size = intermediate;
    shape.n_experts = moe.n_experts;
    shape.n_experts_per_token = moe.n_experts_per_token;
    shape.norm_weights = moe.norm_weights;
    shape.norm_eps = spec.norm_eps;
  }
  if (shape.intermediate_size != intermediate || shape.n_experts != moe.n_experts ||
      shape.norm_eps != spec.norm_eps || moe.has_shared())
    return false;
  layer.input_norm = vector(spec.input_norm);
  layer.qkv_bias = vector(spec.qkv_bias);
  layer.q_norm = vector(spec.q_norm);
  layer.k_norm = vector(spec.k_norm);
  layer.o_bias = vector(spec.o_bias);
  layer.post_norm = vector(spec.post_attention_norm);
  layer.pages = layer_pages(spec.layer_idx);
  if (!one_row_matrix(spec.qkv_proj, layer, kQkv) || !one_row_matrix(spec.o_proj, layer, kO))
    return false;
  if (!has_experts) {
    layer.gate_up_bias = vector(spec.mlp.gate_up_bias);
    layer.down_bias = vector(spec.mlp.down_bias);
    return one_row_matrix(spec.mlp.gate_up_proj, layer, kGateUp) &&
           one_row_matrix(spec.mlp.down_proj, layer, kDown);
  }
  const ExpertLayer& experts = expert_layers_.at(moe.router);
  layer.experts = experts.table;
  layer.router = experts.router;
  return has_one_row_format(experts.gate_up_format, kGateUp) &&
         has_one_row_format(experts.down_format, kDown);
}

std::int64_t CudaBackend::one_row_layer_bytes(const LayerSpec& spec) const {
  const bool has_experts = spec.moe.n_experts > 0;
  const MlpSpec& mlp = has_experts ? spec.moe.experts.front() : spec.mlp;
  const std::int64_t n = has_experts ? spec.moe.n_experts_per_token : 1;
  return packed_bytes(spec.qkv_proj) + packed_bytes(spec.o_proj) +
         n * (packed_bytes(mlp.gate_up_proj) + packed_bytes(mlp.down_proj));
}

// Layers come in their order; the last one decides.
void CudaBackend::note_layer(const LayerSpec& spec) {
  const auto n_layers = static_cast<std::int32_t>(one_row_shape_.n_layers);
  if (one_row_is_settled_ || spec.layer_idx != std::ssize(one_row_layers_)) return;
  OneRowLayer layer;
  if (n_layers == 0 || !one_row_layer(spec, layer)) {
    one_row_is_settled_ = true;
    return;
  }
  one_row_layers_.push_back(layer);
  if (std::ssize(one_row_layers_) < n_layers) return;
  one_row_is_settled_ = true;
  const char choice = one_row_choice();
  one_row_max_position_ = choice == '1' ? kMaxOneRowPosition : kFastOneRowPositions;
  if (choice == '0' || (choice != '1' && one_row_layer_bytes(spec) < kMinOneRowLayerBytes)) return;
  one_row_plan_ = plan_one_row(context_, one_row_shape_);
  check(cudaMemcpyAsync(one_row_table_.data(), one_row_layers_.data(),
                        one_row_layers_.size() * sizeof(OneRowLayer), cudaMemcpyHostToDevice,
                        context_.stream()),
        "uploading the layers");
}

bool CudaBackend::takes_one_row(const StepBatch& batch) const {
  return is_decode_ && n_tokens_ == 1 && one_row_plan_.n_warps > 0 &&
         batch.positions[0] < one_row_max_position_;
}

void CudaBackend::run_one_row() {
  OneRowBuffers buffers;
  buffers.layers = one_row_table_.as<OneRowLayer>();
  buffers.cos = rope_cos_.as<float>();
  buffers.sin = rope_sin_.as<float>();
  buffers.hidden = hidden_.as<float>();
  buffers.attended = attended_.as<__nv_bfloat16>();
  buffers.gated =
      one_row_shape_.n_experts > 0 ? expert_gated_.as<__nv_bfloat16>() : gated_.as<__nv_bfloat16>();
  buffers.scratch = one_row_scratch_.as<float>();
  buffers.positions = uploaded<std::int32_t>(layout_.positions);
  buffers.slot_mapping = uploaded<std::int32_t>(layout_.slot_mapping);
  buffers.block_begins = uploaded<std::int32_t>(layout_.block_begins);
  buffers.blocks = uploaded<std::int32_t>(layout_.blocks);
  launch_one_row(context_, one_row_shape_, one_row_plan_, buffers);
}

}  // namespace tinyllm::cuda

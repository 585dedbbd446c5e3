// Steps of one token through the one-row kernel: which models, which steps, and the table of layers.

#include <cstdlib>

#include "base/check.h"
#include "base/log.h"
#include "kernels/cuda/cuda_backend.h"

namespace tinyllm::cuda {
namespace {

// From so many bytes of weights in a layer on, and before this position, one kernel of all
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
  if (!context_.has_hopper_code() || context_.is_deterministic() || attention_.window > 0) return;
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

// A matrix in one section; all matrices have one format.
bool CudaBackend::one_row_matrix(MatrixId id, OneRowLayer& layer, int product) {
  const Matrix& m = matrix(id);
  if (m.sections.size() != 1) return false;
  if (one_row_layers_.empty() && product == kQkv) one_row_shape_.format = m.sections[0].format;
  layer.matrices[product] = m.sections[0].data;
  return m.sections[0].format == one_row_shape_.format;
}

bool CudaBackend::one_row_layer(const LayerSpec& spec, OneRowLayer& layer) {
  if (spec.moe.n_experts > 0) return false;
  OneRowShape& shape = one_row_shape_;
  if (spec.layer_idx == 0) {
    shape.intermediate_size = spec.mlp.intermediate_size;
    shape.norm_eps = spec.norm_eps;
  }
  if (shape.intermediate_size != spec.mlp.intermediate_size || shape.norm_eps != spec.norm_eps)
    return false;
  layer.input_norm = vector(spec.input_norm);
  layer.qkv_bias = vector(spec.qkv_bias);
  layer.q_norm = vector(spec.q_norm);
  layer.k_norm = vector(spec.k_norm);
  layer.o_bias = vector(spec.o_bias);
  layer.post_norm = vector(spec.post_attention_norm);
  layer.gate_up_bias = vector(spec.mlp.gate_up_bias);
  layer.down_bias = vector(spec.mlp.down_bias);
  layer.pages = layer_pages(spec.layer_idx);
  return one_row_matrix(spec.qkv_proj, layer, kQkv) && one_row_matrix(spec.o_proj, layer, kO) &&
         one_row_matrix(spec.mlp.gate_up_proj, layer, kGateUp) &&
         one_row_matrix(spec.mlp.down_proj, layer, kDown);
}

std::int64_t CudaBackend::one_row_layer_bytes(const LayerSpec& spec) const {
  return packed_bytes(spec.qkv_proj) + packed_bytes(spec.o_proj) +
         packed_bytes(spec.mlp.gate_up_proj) + packed_bytes(spec.mlp.down_proj);
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
  log(LogLevel::info, "one token alone: {}",
      one_row_plan_.n_warps > 0 ? "all layers are one kernel" : "a kernel a product");
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
  buffers.gated = gated_.as<__nv_bfloat16>();
  buffers.scratch = one_row_scratch_.as<float>();
  buffers.positions = uploaded<std::int32_t>(layout_.positions);
  buffers.slot_mapping = uploaded<std::int32_t>(layout_.slot_mapping);
  buffers.block_begins = uploaded<std::int32_t>(layout_.block_begins);
  buffers.blocks = uploaded<std::int32_t>(layout_.blocks);
  launch_one_row(context_, one_row_shape_, one_row_plan_, buffers);
}

}  // namespace tinyllm::cuda

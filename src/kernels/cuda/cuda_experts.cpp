// Mixtures of experts: loading, memory, and the recipe's call.

#include <algorithm>

#include "base/check.h"
#include "base/error.h"
#include "kernels/cuda/cuda_backend.h"

namespace tinyllm::cuda {
namespace {

// The section that all of these matrices have alike; a matrix of experts has one.
template <typename SectionOf>
LinearWeights common_section(const MoeSpec& moe, const SectionOf& section_of) {
  const LinearWeights& first = section_of(moe.experts.front());
  for (const MlpSpec& expert : moe.experts) {
    if (section_of(expert).format != first.format)
      fail(ErrorCode::unsupported,
           "the experts of a layer have weights of different formats; the GPU takes one for all");
  }
  return first;
}

}  // namespace

MatrixId CudaBackend::pack_router(std::span<const Tensor> parts) {
  Matrix matrix;
  matrix.floats = vector(pack_vector(parts));
  matrix.n_cols = static_cast<std::int32_t>(parts[0].n_cols());
  for (const Tensor& part : parts) matrix.n_rows += static_cast<std::int32_t>(part.n_rows());
  matrix.n_bytes = std::int64_t{matrix.n_rows} * matrix.n_cols * 4;
  matrices_.push_back(std::move(matrix));
  return static_cast<MatrixId>(matrices_.size() - 1);
}

void CudaBackend::pack_experts(const MoeSpec& moe) {
  if (moe.n_experts > kMaxExperts || moe.n_experts_per_token > kMaxExpertsPerToken)
    fail(ErrorCode::unsupported, "{} experts, {} of a token; on the GPU at most {} and {}",
         moe.n_experts, moe.n_experts_per_token, kMaxExperts, kMaxExpertsPerToken);
  const auto gate_up = [&](const MlpSpec& expert) -> const LinearWeights& {
    return matrix(expert.gate_up_proj).sections.front();
  };
  const auto down = [&](const MlpSpec& expert) -> const LinearWeights& {
    return matrix(expert.down_proj).sections.front();
  };
  const Matrix& router = matrix(moe.router);
  ExpertLayer layer;
  layer.n_experts = moe.n_experts;
  layer.n_experts_per_token = moe.n_experts_per_token;
  layer.hidden_size = router.n_cols;
  layer.intermediate_size = moe.experts.front().intermediate_size;
  layer.gate_up_format = common_section(moe, gate_up).format;
  layer.down_format = common_section(moe, down).format;
  layer.norm_weights = moe.norm_weights;
  layer.has_shared = moe.has_shared();
  layer.router = router.floats;
  std::vector<ExpertWeights> table;
  for (const MlpSpec& expert : moe.experts)
    table.push_back({gate_up(expert).data, down(expert).data});
  const std::size_t n_bytes = table.size() * sizeof(ExpertWeights);
  std::byte* device = weights_.take(static_cast<std::int64_t>(n_bytes));
  check(cudaMemcpy(device, table.data(), n_bytes, cudaMemcpyHostToDevice), "copying weights");
  layer.table = reinterpret_cast<const ExpertWeights*>(device);
  expert_layers_.emplace(moe.router, layer);
}

void CudaBackend::configure_experts() {
  if (expert_layers_.empty()) return;
  const std::int64_t n_tokens = std::min<std::int64_t>(n_padded_tokens_, kExpertTokens);
  const std::int64_t n_rows = n_tokens * sizes_.max_experts_per_token;
  const auto taken = [&](std::int64_t n) {
    return expert_buffers_.emplace_back(zeroed(n * 4, "experts")).data();
  };
  const auto ints = [&](std::int64_t n) { return reinterpret_cast<std::int32_t*>(taken(n)); };
  const auto floats = [&](std::int64_t n) { return reinterpret_cast<float*>(taken(n)); };
  choices_.scores = floats(n_tokens * (sizes_.max_experts + 1));
  choices_.experts = ints(n_rows);
  choices_.weights = floats(n_rows);
  choices_.shared_weights = floats(n_tokens);
  choices_.arrivals = ints(n_tokens);
  rows_.chunks = reinterpret_cast<ExpertChunk*>(
      taken(n_rows * static_cast<std::int64_t>(sizeof(ExpertChunk)) / 4));
  rows_.n_chunks = ints(1);
  rows_.tokens = ints(n_rows);
  rows_.weights = floats(n_rows);
  rows_.of_choices = ints(n_rows);
  expert_out_ = floats(n_rows * sizes_.hidden_size);
  shared_out_ = floats(n_tokens * sizes_.hidden_size);
  expert_gated_ = zeroed(n_rows * gated_stride_ * 2 + 1024, "experts");
}

void CudaBackend::experts(const LayerSpec& layer) {
  for (std::int32_t first = 0; first < n_tokens_; first += kExpertTokens)
    expert_tokens(layer, first, std::min(kExpertTokens, n_tokens_ - first));
}

// Tokens [first, first + n).
void CudaBackend::expert_tokens(const LayerSpec& layer, std::int32_t first, std::int32_t n) {
  const ExpertLayer& experts = expert_layers_.at(layer.moe.router);
  float* hidden = hidden_.as<float>() + std::int64_t{first} * sizes_.hidden_size;
  __nv_bfloat16* normed = normed_.as<__nv_bfloat16>() + first * hidden_stride_;
  const bool direct = n <= kMaxDirectTokens && !context_.is_deterministic();
  const RouterInput router{hidden, vector(layer.post_attention_norm), layer.norm_eps,
                           uploaded<std::int32_t>(layout_.slot_mapping) + first};
  launch_route(context_, experts, router, n, normed, hidden_stride_, choices_,
               direct ? &rows_ : nullptr);
  const ExpertRowCount count{n * experts.n_experts_per_token,
                             direct ? 1 : expert_chunk_rows(context_, experts, n), direct};
  if (!direct) launch_sort_choices(context_, experts, n, count.chunk_rows, choices_, rows_);
  auto* gated = expert_gated_.as<__nv_bfloat16>();
  launch_expert_gate_up(context_, experts, rows_, count, normed, hidden_stride_, gated,
                        gated_stride_);
  if (direct) {
    launch_expert_down_sum(context_, experts, rows_, n, gated, gated_stride_, hidden);
  } else {
    launch_expert_down(context_, experts, rows_, count, gated, gated_stride_, expert_out_);
  }
  const MlpSpec& shared = layer.moe.shared;
  if (layer.moe.has_shared()) {
    LinearInput input;
    input.x = normed;
    input.stride = hidden_stride_;
    multiply(matrix(shared.down_proj), gated_product(shared, input, n), n, shared_out_,
             sizes_.hidden_size, LinearEpilogue::store, VectorId::none);
  }
  if (direct && !layer.moe.has_shared()) return;
  launch_add_experts(context_, experts, n, choices_, rows_, direct ? nullptr : expert_out_,
                     layer.moe.has_shared() ? shared_out_ : nullptr, hidden);
}

}  // namespace tinyllm::cuda

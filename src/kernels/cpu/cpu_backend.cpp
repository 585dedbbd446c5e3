#include "kernels/cpu/cpu_backend.h"

#include <algorithm>

#include "base/available_memory.h"
#include "base/check.h"
#include "kernels/cpu/for_each_token.h"

namespace tinyllm {

CpuBackend::CpuBackend(ThreadPool& pool, const RowKernels& kernels)
    : pool_(&pool),
      kernels_(kernels),
      linear_(pool, kernels_),
      attention_(pool, kernels_, weights_) {}

MatrixId CpuBackend::pack_matrix(std::span<const Tensor> parts, PartOrder order, Shard) {
  return weights_.pack_matrix(parts, order, *pool_);
}

VectorId CpuBackend::pack_vector(std::span<const Tensor> parts) {
  return weights_.pack_vector(parts);
}

void CpuBackend::set_rope_table(std::span<const float> cos, std::span<const float> sin) {
  attention_.set_rope_table(cos, sin);
}

void CpuBackend::configure(const BackendSizes& sizes, const KvSpec& kv) {
  sizes_ = sizes;
  attention_.configure(sizes, kv);
  const std::int64_t max_tokens = sizes.max_num_batched_tokens;
  std::int64_t q_size = 0;
  for (const AttentionSpec& layer : sizes.attention)
    q_size = std::max<std::int64_t>(q_size, layer.q_size());
  const std::int64_t max_rows = std::max(max_tokens, kHeadRows);
  const std::int64_t max_cols =
      std::max<std::int64_t>({sizes.hidden_size, q_size, sizes.intermediate_size});
  linear_.configure(max_rows, max_cols, /*max_gathered_rows=*/0);
  hidden_ = Buffer(max_tokens * sizes.hidden_size * 4, "activations");
  normed_ = InputRows(max_rows, sizes.hidden_size);
  attended_ = InputRows(max_tokens, q_size);
  gated_ = InputRows(max_tokens, sizes.intermediate_size);
  logits_ = Buffer(kHeadRows * whole_panels(sizes.vocab_size) * 4, "logits");
  last_drawn_ = Buffer(std::int64_t{sizes.max_num_seqs} * 4, "row slots");
  workspaces_.resize(static_cast<std::size_t>(pool_->n_workers()));
  for (SamplerWorkspace& workspace : workspaces_)
    grow(workspace, static_cast<std::size_t>(sizes.vocab_size));

  token_rows_.resize(static_cast<std::size_t>(max_tokens));
  const auto max_rows_of_logits = static_cast<std::size_t>(sizes.max_logits_rows);
  drawn_.resize(max_rows_of_logits);
  logprobs_.resize(max_rows_of_logits);
  for (TokenLogprobs& logprobs : logprobs_)
    logprobs.top.reserve(static_cast<std::size_t>(sizes.max_logprobs));
  wanted_row_.resize(max_rows_of_logits);
  wanted_logits_ = Buffer(std::int64_t{sizes.max_wanted_logits} * sizes.vocab_size * 4, "logits");
}

std::int64_t CpuBackend::kv_block_bytes(const BackendSizes& sizes, const KvSpec& kv) const {
  return KvCache::block_bytes(sizes.attention, kv);
}

std::int64_t CpuBackend::free_bytes() const { return available_memory_bytes(); }

void CpuBackend::begin_step(const ForwardBatch& batch) {
  CHECK(batch.n_tokens <= sizes_.max_num_batched_tokens, "a step of {} tokens, at most {}",
        batch.n_tokens, sizes_.max_num_batched_tokens);
  batch_ = batch;
  if (profile_ != nullptr) profile_->set_batch(batch.n_tokens, batch.n_rows);
  for (std::int32_t row = 0; row < batch.n_rows; ++row) {
    std::fill(token_rows_.begin() + batch.row_starts[row],
              token_rows_.begin() + batch.row_starts[row + 1], row);
  }
  attention_.begin_step(batch);
}

void CpuBackend::run(const StepKey&, function_ref<void()> recipe) { recipe(); }

const StepOutput& CpuBackend::collect() { return output_; }

void CpuBackend::copy_hidden(std::span<float> out) const {
  const std::span<const float> hidden = hidden_.as<float>();
  std::copy_n(hidden.begin(), out.size(), out.begin());
}

void CpuBackend::normalise(const float* x, VectorId norm, float eps, const PackedMatrix& weights,
                           float split_above, std::int64_t row) {
  kernels_.rms_norm(x, weights_.vector(norm), normed_.row(row), sizes_.hidden_size, eps);
  if (weights.has_quantised()) normed_.quantise(kernels_, row, split_above);
}

void CpuBackend::normalise_tokens(VectorId norm, float eps, const PackedMatrix& weights,
                                  float split_above) {
  for_each_token(*pool_, batch_.n_tokens, [&](std::int64_t t) {
    normalise(hidden_row(t), norm, eps, weights, split_above, t);
  });
}

void CpuBackend::add_projection(const PackedMatrix& weights, VectorId bias, InputRows& x) {
  if (weights.has_quantised()) {
    for_each_token(*pool_, batch_.n_tokens,
                   [&](std::int64_t t) { x.quantise(kernels_, t, kUsualSplit); });
  }
  linear_.add(weights, {x, batch_.n_tokens}, weights_.vector(bias), hidden_row(0),
              sizes_.hidden_size);
}

void CpuBackend::embed(MatrixId embed_tokens) {
  const PackedMatrix& table = weights_.matrix(embed_tokens);
  for_each_token(*pool_, batch_.n_tokens, [&](std::int64_t t) {
    std::int32_t token_id = batch_.token_ids[t];
    if (token_id == kLastSampled)
      token_id = last_drawn_.as<std::int32_t>()[batch_.row_slots[token_rows_[t]]];
    table.unpack(token_id, hidden_row(t));
  });
  mark(StepPart::embedding);
}

void CpuBackend::attention_input(const LayerSpec& layer) {
  const PackedMatrix& weights = weights_.matrix(layer.qkv_proj);
  normalise_tokens(layer.input_norm, layer.norm_eps, weights, kFineSplit);
  mark(StepPart::norm);
  linear_.store(weights, {normed_, batch_.n_tokens}, attention_.projections(),
                weights.n_padded_rows());
  mark(StepPart::qkv, weights, batch_.n_tokens);
  attention_.finish_projections(layer);
  mark(StepPart::rope);
}

void CpuBackend::attention(const LayerSpec& layer) {
  attention_.attend(layer, attended_);
  if (profile_ != nullptr) mark_attention(layer.attention);
}

void CpuBackend::attention_output(const LayerSpec& layer) {
  const PackedMatrix& weights = weights_.matrix(layer.o_proj);
  add_projection(weights, layer.o_bias, attended_);
  mark(StepPart::o_proj, weights, batch_.n_tokens);
}

void CpuBackend::mlp(const LayerSpec& layer) {
  const MlpSpec& mlp = layer.mlp;
  const PackedMatrix& gate_up = weights_.matrix(mlp.gate_up_proj);
  const PackedMatrix& down = weights_.matrix(mlp.down_proj);
  normalise_tokens(layer.post_attention_norm, layer.norm_eps, gate_up, kUsualSplit);
  mark(StepPart::norm);
  linear_.store_gated(gate_up, {normed_, batch_.n_tokens}, weights_.vector(mlp.gate_up_bias),
                      gated_, mlp.intermediate_size);
  mark(StepPart::gate_up, gate_up, batch_.n_tokens);
  add_projection(down, mlp.down_bias, gated_);
  mark(StepPart::down_proj, down, batch_.n_tokens);
}

}  // namespace tinyllm

#include "kernels/cpu/cpu_backend.h"

#include <algorithm>
#include <string_view>

#include "base/available_memory.h"
#include "base/check.h"
#include "kernels/cpu/for_each_token.h"

namespace tinyllm {

CpuBackend::CpuBackend(ThreadPool& pool, const RowKernels& kernels)
    : pool_(&pool),
      kernels_(kernels),
      profile_(pool),
      linear_(pool, kernels_),
      attention_(pool, kernels_, weights_),
      experts_(pool, kernels_, weights_, linear_, profile_),
      head_(pool, kernels_, weights_, linear_, profile_) {}

MatrixId CpuBackend::pack_matrix(std::span<const Tensor> parts, PartOrder order, Shard) {
  return weights_.pack_matrix(parts, order, *pool_, kernels_.bf16_panel != nullptr);
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
  head_.configure(sizes);
  experts_.configure(sizes);
  std::int64_t q_size = 0;
  for (const AttentionSpec& layer : sizes.attention)
    q_size = std::max<std::int64_t>(q_size, layer.q_size());
  const std::int64_t max_tokens = sizes.limits.max_num_batched_tokens;
  linear_.configure(std::max(max_tokens, CpuHead::kMaxRows),
                    std::max<std::int64_t>({sizes.hidden_size, q_size, sizes.intermediate_size}),
                    /*max_gathered_rows=*/max_tokens * sizes.max_experts_per_token,
                    /*max_groups=*/sizes.max_experts + 1);
  token_slots_.resize(max_tokens);
  hidden_ = Buffer(max_tokens * sizes.hidden_size * 4, "activations");
  normed_ = InputRows(max_tokens, sizes.hidden_size);
  attended_ = InputRows(max_tokens, q_size);
  gated_ = InputRows(max_tokens, sizes.intermediate_size);
}

std::int64_t CpuBackend::kv_block_bytes(const BackendSizes& sizes, const KvSpec& kv) const {
  return KvCache::block_bytes(sizes.attention, kv);
}

std::int64_t CpuBackend::free_bytes() const { return available_memory_bytes(); }

void CpuBackend::begin_step(const StepBatch& batch) {
  CHECK(batch.n_tokens <= sizes_.limits.max_num_batched_tokens, "a step of {} tokens, at most {}",
        batch.n_tokens, sizes_.limits.max_num_batched_tokens);
  batch_ = batch;
  profile_.begin_step(batch.n_tokens, batch.n_seqs);
  for (std::int32_t seq = 0; seq < batch.n_seqs; ++seq) {
    std::fill(token_slots_.begin() + batch.seq_starts[seq],
              token_slots_.begin() + batch.seq_starts[seq + 1], batch.row_slots[seq]);
  }
  attention_.begin_step(batch);
  head_.begin_step(batch);
}

void CpuBackend::run(Recipe, function_ref<void()> recipe) { recipe(); }

void CpuBackend::copy_hidden(std::span<float> out) const {
  const std::span<const float> hidden = hidden_.as<float>();
  std::copy_n(hidden.begin(), out.size(), out.begin());
}

// A mixed table is for looking for faults; its bits have no name.
std::string CpuBackend::arithmetic() const {
  return kernels_.isa == std::string_view(kMixedIsa) ? "" : std::string("cpu ") + kernels_.isa;
}

void CpuBackend::normalise(VectorId norm, float eps, RowForms forms, float split_above) {
  const float* norm_weights = weights_.vector(norm);
  for_each_token(*pool_, batch_.n_tokens, [&](std::int64_t t) {
    kernels_.rms_norm(hidden_row(t), norm_weights, normed_.row(t), sizes_.hidden_size, eps);
    normed_.convert(kernels_, forms, t, split_above);
  });
}

void CpuBackend::add_projection(const PackedMatrix& weights, VectorId bias, InputRows& x) {
  const RowForms forms = weights.reads();
  if (forms.any_made()) {
    for_each_token(*pool_, batch_.n_tokens,
                   [&](std::int64_t t) { x.convert(kernels_, forms, t, kUsualSplit); });
  }
  linear_.add(weights, {x, batch_.n_tokens}, weights_.vector(bias), hidden_row(0),
              sizes_.hidden_size);
}

void CpuBackend::embed(MatrixId embed_tokens) {
  const PackedMatrix& table = weights_.matrix(embed_tokens);
  for_each_token(*pool_, batch_.n_tokens, [&](std::int64_t t) {
    TokenId token_id = batch_.token_ids[t];
    if (token_id == kLastSampled) token_id = head_.last_drawn(token_slots_[t]);
    table.unpack(token_id, hidden_row(t));
  });
  profile_.mark(StepPart::embedding);
}

void CpuBackend::attention_input(const LayerSpec& layer) {
  const PackedMatrix& weights = weights_.matrix(layer.qkv_proj);
  normalise(layer.input_norm, layer.norm_eps, weights.reads(), kFineSplit);
  profile_.mark(StepPart::norm);
  linear_.store(weights, {normed_, batch_.n_tokens}, attention_.projections(),
                weights.n_padded_rows());
  profile_.mark(StepPart::qkv, weights, batch_.n_tokens);
  attention_.finish_projections(layer);
  profile_.mark(StepPart::rope);
}

void CpuBackend::attention(const LayerSpec& layer) {
  attention_.attend(layer, attended_);
  if (!profile_.is_on()) return;
  const CpuAttention::Work work = attention_.work(layer.attention);
  profile_.mark(StepPart::attention, work.bytes, work.ops);
}

void CpuBackend::attention_output(const LayerSpec& layer) {
  const PackedMatrix& weights = weights_.matrix(layer.o_proj);
  add_projection(weights, layer.o_bias, attended_);
  profile_.mark(StepPart::o_proj, weights, batch_.n_tokens);
}

void CpuBackend::mlp(const LayerSpec& layer) {
  const MlpSpec& mlp = layer.mlp;
  const PackedMatrix& gate_up = weights_.matrix(mlp.gate_up_proj);
  const PackedMatrix& down = weights_.matrix(mlp.down_proj);
  normalise(layer.post_attention_norm, layer.norm_eps, gate_up.reads(), kUsualSplit);
  profile_.mark(StepPart::norm);
  linear_.store_gated(gate_up, {normed_, batch_.n_tokens}, weights_.vector(mlp.gate_up_bias),
                      gated_, mlp.intermediate_size);
  profile_.mark(StepPart::gate_up, gate_up, batch_.n_tokens);
  add_projection(down, mlp.down_bias, gated_);
  profile_.mark(StepPart::down_proj, down, batch_.n_tokens);
}

void CpuBackend::experts(const LayerSpec& layer) {
  normalise(layer.post_attention_norm, layer.norm_eps, experts_.reads(layer.moe), kUsualSplit);
  profile_.mark(StepPart::norm);
  experts_.run(layer, normed_, batch_.n_tokens, hidden_row(0));
}

void CpuBackend::head(const HeadWeights& head) { head_.run(head, hidden_row(0)); }

}  // namespace tinyllm

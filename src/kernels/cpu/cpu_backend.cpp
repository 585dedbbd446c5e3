// Loading, memory and the frame of a step. The operations stand in cpu_layers.cpp and cpu_head.cpp.

#include "kernels/cpu/cpu_backend.h"

#include <algorithm>
#include <bit>

#include "base/available_memory.h"
#include "base/check.h"
#include "quant/decode.h"

namespace tinyllm {
namespace {

std::int64_t padded(std::int64_t n) { return (n + kTileRows - 1) / kTileRows * kTileRows; }

std::int64_t page_bytes(const BackendSizes& sizes, const KvSpec& kv) {
  return kv_page_bytes(kv.type, kv.block_size, sizes.attention.head_dim);
}

}  // namespace

CpuBackend::CpuBackend(ThreadPool& pool, const RowKernels& kernels)
    : pool_(&pool), kernels_(kernels) {}

MatrixId CpuBackend::pack_matrix(std::span<const Tensor> parts, PartOrder order) {
  matrices_.push_back(std::make_unique<PackedMatrix>(parts, order, weights_, *pool_));
  return static_cast<MatrixId>(matrices_.size() - 1);
}

VectorId CpuBackend::pack_vector(std::span<const Tensor> parts) {
  std::int64_t n = 0;
  for (const Tensor& part : parts) n += part.shape.n_elems();
  Buffer values(n * 4, "packed weights");
  float* dst = values.as<float>().data();
  for (const Tensor& part : parts) {
    decode_row(part.dtype, part.data, dst, part.shape.n_elems());
    dst += part.shape.n_elems();
  }
  vectors_.push_back(std::move(values));
  return static_cast<VectorId>(vectors_.size() - 1);
}

void CpuBackend::set_rope_table(std::span<const float> cos, std::span<const float> sin) {
  rope_cos_ = Buffer(static_cast<std::int64_t>(cos.size_bytes()), "RoPE table");
  rope_sin_ = Buffer(static_cast<std::int64_t>(sin.size_bytes()), "RoPE table");
  std::ranges::copy(cos, rope_cos_.as<float>().begin());
  std::ranges::copy(sin, rope_sin_.as<float>().begin());
}

void CpuBackend::configure(const BackendSizes& sizes, const KvSpec& kv) {
  sizes_ = sizes;
  kv_ = kv;
  spreads_keys_ = kv.type == KvType::int8 &&
                  std::has_single_bit(static_cast<unsigned>(sizes.attention.head_dim));
  pages_ = Buffer(kv_block_bytes(sizes, kv) * kv.n_blocks, "KV cache");
  const AttentionSpec& attention = sizes.attention;
  kernels_.attention = attention_for(kernels_.attention, kv.block_size, attention.head_dim);
  const std::int64_t max_tokens = sizes.max_num_batched_tokens;
  hidden_ = Buffer(max_tokens * sizes.hidden_size * 4, "activations");
  normed_ = Activations(std::max<std::int64_t>(max_tokens, kHeadRows), sizes.hidden_size);
  attended_ = Activations(max_tokens, attention.q_size());
  gated_ = Activations(max_tokens, sizes.intermediate_size);
  qkv_stride_ = padded(attention.q_size()) + 2 * padded(attention.kv_size());
  qkv_ = Buffer(max_tokens * qkv_stride_ * 4, "activations");
  scratch_ = Buffer(pool_->n_workers() * attention_scratch() * 4, "activations");
  partials_ = Buffer(partials_bytes(), "activations");
  logits_ = Buffer(kHeadRows * padded(sizes.vocab_size) * 4, "logits");
  last_drawn_.resize(static_cast<std::size_t>(sizes.max_num_seqs));
  workspaces_.resize(static_cast<std::size_t>(pool_->n_workers()));
  for (SamplerWorkspace& workspace : workspaces_)
    grow(workspace, static_cast<std::size_t>(sizes.vocab_size));

  token_seqs_.resize(static_cast<std::size_t>(max_tokens));
  query_chunks_.resize(static_cast<std::size_t>(max_tokens));
  places_.resize(static_cast<std::size_t>(sizes.vocab_size));
  for (std::int32_t slot = 0; slot < sizes.max_num_seqs; ++slot)
    histories_.emplace_back(std::min(sizes.max_seq_len, sizes.vocab_size));
  const auto max_samples = static_cast<std::size_t>(sizes.max_samples);
  drawn_.resize(max_samples);
  logprobs_.resize(max_samples);
  for (TokenLogprobs& logprobs : logprobs_)
    logprobs.top.reserve(static_cast<std::size_t>(sizes.max_logprobs));
  wanted_.resize(max_samples);
  wanted_logits_ = Buffer(std::int64_t{sizes.max_wanted_logits} * sizes.vocab_size * 4, "logits");
  wanted_hidden_ =
      Buffer(std::int64_t{sizes.max_wanted_hidden} * sizes.hidden_size * 4, "hidden states");
}

std::int64_t CpuBackend::partials_bytes() const {
  const AttentionSpec& spec = sizes_.attention;
  if (pool_->n_workers() == 1) return 0;
  const std::int64_t n_segments =
      (std::int64_t{sizes_.max_seq_len} + kAttentionSegment - 1) / kAttentionSegment;
  const std::int64_t n_queries =
      kTasksPerWorker * pool_->n_workers() * kQueryTokens * spec.n_heads / spec.n_kv_heads;
  return std::min(kMostPartialsBytes,
                  n_segments * n_queries * attention_partial_floats(spec.head_dim) * 4);
}

std::int64_t CpuBackend::kv_block_bytes(const BackendSizes& sizes, const KvSpec& kv) const {
  return page_bytes(sizes, kv) * sizes.n_layers * sizes.attention.n_kv_heads;
}

std::int64_t CpuBackend::packed_bytes() const {
  std::int64_t n = 0;
  for (const auto& matrix : matrices_) n += matrix->n_bytes();
  for (const Buffer& vector : vectors_) n += vector.n_bytes();
  return n;
}

std::int64_t CpuBackend::free_bytes() const { return available_memory_bytes(); }

void CpuBackend::begin_step(const StepBatch& batch) {
  CHECK(batch.n_tokens <= sizes_.max_num_batched_tokens, "a step of {} tokens, at most {}",
        batch.n_tokens, sizes_.max_num_batched_tokens);
  batch_ = batch;
  if (profile_ != nullptr) profile_->set_batch(batch.n_tokens, batch.n_seqs);
  n_query_chunks_ = 0;
  for (std::int32_t seq = 0; seq < batch.n_seqs; ++seq) {
    const std::int32_t first = batch.seq_starts[static_cast<std::size_t>(seq)];
    const std::int32_t last = batch.seq_starts[static_cast<std::size_t>(seq) + 1];
    std::fill(token_seqs_.begin() + first, token_seqs_.begin() + last, seq);
    for (std::int32_t t = first; t < last; t += kQueryTokens) {
      const std::int32_t n = std::min(kQueryTokens, last - t);
      query_chunks_[static_cast<std::size_t>(n_query_chunks_++)] = {seq, t, n, 0, 0};
    }
  }
  for (const HistoryReset& reset : batch.history_resets) {
    histories_[static_cast<std::size_t>(reset.row_slot)].reset(reset.prompt_ids, reset.output_ids,
                                                               places_);
  }
}

void CpuBackend::run(Recipe, function_ref<void()> recipe) { recipe(); }

const StepOutput& CpuBackend::collect() { return output_; }

void CpuBackend::copy_hidden(std::span<float> out) const {
  const std::span<const float> hidden = hidden_.as<float>();
  std::copy_n(hidden.begin(), out.size(), out.begin());
}

const float* CpuBackend::vector(VectorId id) const {
  return id == VectorId::none ? nullptr : vectors_[static_cast<std::size_t>(id)].as<float>().data();
}

// Pages lie [layer][kv head][block], so that a head's pages of neighbouring blocks are neighbours.
KvPages CpuBackend::kv_pages(std::int32_t layer_idx, std::int32_t kv_head) {
  const std::int64_t stride = page_bytes(sizes_, kv_);
  const std::int64_t plane = std::int64_t{layer_idx} * sizes_.attention.n_kv_heads + kv_head;
  return {pages_.data() + plane * kv_.n_blocks * stride, stride, kv_.block_size,
          sizes_.attention.head_dim, kv_.type};
}

}  // namespace tinyllm

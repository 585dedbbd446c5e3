// Loading and memory.

#include "kernels/cuda/cuda_backend.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"
#include "base/error.h"
#include "kernels/cuda/kv_layout.h"
#include "quant/decode.h"
#include "tensor/buffer.h"

namespace tinyllm::cuda {
namespace {

constexpr std::int64_t kPoolRows = 1024;  // biases, and bans, of a sequence

}  // namespace

CudaBackend::CudaBackend(ThreadPool& pool, const DeviceOptions& options)
    : pool_(&pool), context_(options), gemm_(context_) {}

CudaBackend::~CudaBackend() {
  cudaStreamSynchronize(context_.stream());
  for (auto& [key, graph] : graphs_) {
    if (graph.executable != nullptr) cudaGraphExecDestroy(graph.executable);
  }
  for (Flight& flight : flights_) {
    if (flight.uploaded != nullptr) cudaEventDestroy(flight.uploaded);
    if (flight.done != nullptr) cudaEventDestroy(flight.done);
  }
}

MatrixId CudaBackend::pack_matrix(std::span<const Tensor> parts, PartOrder order, Shard) {
  const WeightPlan plan = plan_weights(parts, order);
  Buffer bytes(plan.n_bytes, "packed weights");
  pack_weights(parts, plan, bytes.data(), *pool_);
  std::byte* device = weights_.take(plan.n_bytes);
  check(cudaMemcpy(device, bytes.data(), static_cast<std::size_t>(plan.n_bytes),
                   cudaMemcpyHostToDevice),
        "copying weights");
  Matrix matrix;
  matrix.n_rows = static_cast<std::int32_t>(plan.n_rows);
  matrix.n_cols = static_cast<std::int32_t>(plan.n_cols);
  matrix.order = order;
  matrix.n_bytes = plan.n_bytes;
  for (const WeightSection& section : plan.sections) {
    matrix.sections.push_back({section.format, device + section.offset,
                               static_cast<std::int32_t>(section.n_rows), matrix.n_cols,
                               static_cast<std::int32_t>(section.n_padded_rows)});
    matrix.first_rows.push_back(static_cast<std::int32_t>(section.first_row));
  }
  matrices_.push_back(std::move(matrix));
  return static_cast<MatrixId>(matrices_.size() - 1);
}

VectorId CudaBackend::pack_vector(std::span<const Tensor> parts) {
  std::int64_t n = 0;
  for (const Tensor& part : parts) n += part.shape.n_elems();
  std::vector<float> values(static_cast<std::size_t>(n));
  float* dst = values.data();
  for (const Tensor& part : parts) {
    decode_row(part.dtype, part.data, dst, part.shape.n_elems());
    dst += part.shape.n_elems();
  }
  std::byte* device = weights_.take(n * 4);
  check(cudaMemcpy(device, values.data(), values.size() * 4, cudaMemcpyHostToDevice),
        "copying weights");
  vectors_.push_back(reinterpret_cast<const float*>(device));
  return static_cast<VectorId>(vectors_.size() - 1);
}

const float* CudaBackend::vector(VectorId id) const {
  return id == VectorId::none ? nullptr : vectors_[static_cast<std::size_t>(id)];
}

void CudaBackend::set_rope_table(std::span<const float> cos, std::span<const float> sin) {
  for (const auto& [table, values] : {std::pair{&rope_cos_, cos}, std::pair{&rope_sin_, sin}}) {
    *table = DeviceBuffer(static_cast<std::int64_t>(values.size_bytes()), "the RoPE table");
    check(cudaMemcpy(table->data(), values.data(), values.size_bytes(), cudaMemcpyHostToDevice),
          "copying the RoPE table");
  }
}

std::int64_t CudaBackend::kv_block_bytes(const BackendSizes& sizes, const KvSpec& kv) const {
  std::int64_t n = 0;
  for (const AttentionSpec& layer : sizes.attention) n += layer.kv_size();
  return n * 2 * kv.block_size * 2;
}

std::int64_t CudaBackend::free_bytes() const {
  std::size_t n_free = 0, n_total = 0;
  check(cudaMemGetInfo(&n_free, &n_total), "asking for free memory");
  return static_cast<std::int64_t>(n_free);
}

void CudaBackend::configure(const BackendSizes& sizes, const KvSpec& kv) {
  if (kv.type != KvType::bf16)
    fail(ErrorCode::unsupported, "the GPU keeps keys and values in bf16, not in {}", name(kv.type));
  if (kv.block_size % kKvGroup != 0)
    fail(ErrorCode::unsupported, "a block of {} positions; on the GPU it must be a multiple of {}",
         kv.block_size, kKvGroup);
  sizes_ = sizes;
  kv_ = kv;
  attention_ = sizes.attention.at(0);
  for (const AttentionSpec& layer : sizes.attention) {
    if (layer.n_heads != attention_.n_heads || layer.n_kv_heads != attention_.n_kv_heads ||
        layer.head_dim != attention_.head_dim || layer.window != attention_.window)
      fail(ErrorCode::unsupported, "layers whose attention differs do not run on the GPU yet");
    if (layer.sinks > 0) {
      fail(ErrorCode::unsupported,
           "--sinks {}: attention sinks do not run on the GPU yet; use --window alone, or --device "
           "cpu",
           layer.sinks);
    }
  }
  if (attention_.head_dim % 8 != 0 || attention_.head_dim > 256)
    fail(ErrorCode::unsupported, "heads of {} values; on the GPU a multiple of 8, at most 256",
         attention_.head_dim);
  layer_elems_ = std::int64_t{kv.n_blocks} * 2 * kv.block_size * attention_.kv_size();
  pages_ = DeviceBuffer(layer_elems_ * std::ssize(sizes.attention) * 2, "the KV cache");
  configure_activations();
  configure_experts();
  configure_one_row();
  configure_attention();
  configure_sampling();
  configure_flights();
  check(cudaDeviceSynchronize(), "preparing memory");
}

void CudaBackend::configure_activations() {
  const BackendSizes& sizes = sizes_;
  const AttentionSpec& attention = attention_;
  n_padded_tokens_ = padded_to(sizes.limits.max_num_batched_tokens, 64);
  hidden_stride_ = padded_to(sizes.hidden_size, 128);
  gated_stride_ = padded_to(sizes.intermediate_size, 128);
  const auto rows = [&](std::int64_t n_cols, std::int64_t elem_bytes) {
    return zeroed(n_padded_tokens_ * n_cols * elem_bytes + 1024, "activations");
  };
  hidden_ = rows(sizes.hidden_size, 4);
  normed_ = rows(hidden_stride_, 2);
  qkv_ = rows(attention.q_size() + 2 * attention.kv_size(), 4);
  q_ = rows(attention.q_size(), 2);
  attended_ = rows(attention.q_size(), 2);
  gated_ = rows(gated_stride_, 2);
  if (!gemm_.is_there()) return;
  gate_up_ = rows(2 * padded_to(sizes.intermediate_size, 8), 2);
  std::int64_t largest = 0;
  for (const Matrix& matrix : matrices_) {
    for (const LinearWeights& section : matrix.sections) {
      if (section.format == WeightFormat::bf16) continue;
      largest = std::max(largest, std::min<std::int64_t>(section.n_padded_rows, kDequantisedRows) *
                                      padded_to(section.n_cols, 64));
    }
  }
  dequantised_ = DeviceBuffer(largest * 2, "activations");
}

void CudaBackend::configure_attention() {
  const AttentionShape shape = attention_shape(attention_);
  has_fast_attention_ = has_decode_attention(shape.head_dim);
  has_prefill_ = has_prefill_attention(context_, shape.head_dim) && !context_.is_deterministic();
  plan_sizes_ = decode_plan_sizes(context_, shape, kAttentionRows);
  if (context_.is_deterministic()) plan_sizes_.split_groups = kSplitGroups;
  // Rows of a step's decode ranges in pieces, and their parts (plan_attention_of).
  const std::int64_t n_seqs = sizes_.limits.max_num_seqs,
                     n_tokens = sizes_.limits.max_num_batched_tokens;
  std::int64_t n_parts = 0, n_part_rows = 0;
  const auto make_room = [&](std::int64_t n_decode_tokens, std::int64_t max_rows) {
    const std::int64_t n_pieces = n_decode_tokens * shape.group_size() / max_rows + n_seqs;
    const std::int64_t n_groups = n_pieces * (sizes_.limits.max_model_len / kKvGroup + 1);
    const std::int64_t n = max_attention_parts(n_pieces, n_groups, plan_sizes_) * shape.n_kv_heads;
    max_pieces_ = std::max(max_pieces_, n_pieces);
    n_parts = std::max(n_parts, n);
    n_part_rows = std::max(n_part_rows, n * max_rows);
  };
  make_room(std::min(n_seqs * kMaxDecodeTokens, n_tokens), kAttentionRows);
  if (!has_prefill_) make_room(n_tokens, 2 * kAttentionRows);
  parts_ = DeviceBuffer(n_part_rows * shape.head_dim * 4, "attention");
  part_sums_ = DeviceBuffer(n_part_rows * 8, "attention");
  counters_ = zeroed(n_parts * 4, "attention");
}

void CudaBackend::configure_sampling() {
  const std::int64_t vocab = sizes_.vocab_size, n_slots = sizes_.limits.max_num_seqs;
  logits_stride_ = padded_to(vocab, 16);
  head_normed_ = zeroed(kHeadRows * hidden_stride_ * 2 + 1024, "the head");
  head_floats_ = DeviceBuffer(kHeadRows * std::int64_t{sizes_.hidden_size} * 4, "the head");
  logits_ = DeviceBuffer(kHeadRows * logits_stride_ * 4, "logits");
  processed_ = DeviceBuffer(kHeadRows * logits_stride_ * 4, "logits");
  const std::int64_t n_chunks = n_sample_chunks(sizes_.vocab_size);
  chunk_best_ = DeviceBuffer(kHeadRows * n_chunks * 16, "sampling");
  chunk_finite_ = DeviceBuffer(kHeadRows * n_chunks * 4, "sampling");
  arrivals_ = zeroed(kHeadRows * 4, "sampling");
  stats_ = DeviceBuffer(kHeadRows * static_cast<std::int64_t>(sizeof(RowStats)), "sampling");
  bin_counts_ = zeroed(std::int64_t{kHeadRows} * kMassBins * 4, "sampling");
  bin_masses_ = zeroed(std::int64_t{kHeadRows} * kMassBins * 8, "sampling");
  last_drawn_ = zeroed(n_slots * 4, "sampling");
  history_counts_ = zeroed(n_slots * vocab * 4, "histories");
  scratch_ = {processed_.as<float>(),
              chunk_best_.as<std::uint64_t>(),
              chunk_finite_.as<std::int32_t>(),
              arrivals_.as<std::int32_t>(),
              stats_.as<RowStats>(),
              bin_counts_.as<std::uint32_t>(),
              bin_masses_.as<std::uint64_t>()};
  state_ = {last_drawn_.as<TokenId>(), history_counts_.as<std::uint32_t>()};
  biases_ = DeviceBuffer(n_slots * kPoolRows * 8, "sampling");
  banned_ids_ = DeviceBuffer(n_slots * kPoolRows * 4, "sampling");
  const std::int64_t n_masks = std::max<std::int64_t>(n_slots, sizes_.max_masks);
  masks_ = DeviceBuffer(n_masks * mask_words(vocab) * 4, "masks");
  history_ids_ = DeviceBuffer(n_slots * std::int64_t{sizes_.limits.max_model_len} * 4, "histories");
  history_ranges_ =
      DeviceBuffer(n_slots * static_cast<std::int64_t>(sizeof(HistoryRange)), "histories");

  const std::int64_t n = sizes_.max_samples, n_top = n * std::max(sizes_.max_logprobs, 1);
  places_.ids = 0;
  places_.reports = padded_to(n * 4, 16);
  places_.top_ids = places_.reports + n * static_cast<std::int64_t>(sizeof(RowReport));
  places_.top_logits = places_.top_ids + n_top * 4;
  places_.end = places_.top_logits + n_top * 4;
  results_ = zeroed(places_.end, "results");
}

void CudaBackend::configure_flights() {
  UploadCounts most;
  most.n_tokens = static_cast<std::int32_t>(n_padded_tokens_);
  most.n_samples = std::max(sizes_.max_samples, most.n_tokens);
  most.n_slots = plan_sizes_.n_slots;
  // A segment a piece and two a slot; tiles of 128 rows, one more a sequence.
  const std::int64_t n_rows = n_padded_tokens_ * plan_sizes_.group_size;
  most.n_segments = static_cast<std::int32_t>(n_rows / kAttentionRows) +
                    2 * (sizes_.limits.max_num_seqs + plan_sizes_.n_slots) + 64;
  if (plan_sizes_.split_groups > 0) {  // as segments_of_bucket rounds them
    const std::int64_t n_splits =
        sizes_.limits.max_model_len / kKvGroup / plan_sizes_.split_groups + 2;
    most.n_segments = static_cast<std::int32_t>(
        std::bit_ceil(static_cast<std::uint64_t>(max_pieces_ * n_splits)));
  }
  most.n_tiles = static_cast<std::int32_t>(n_rows / kPrefillRows) + sizes_.limits.max_num_seqs + 64;
  most.n_blocks = sizes_.limits.max_num_seqs *
                  ((sizes_.limits.max_model_len + kv_.block_size - 1) / kv_.block_size);
  const std::int64_t n_bytes = UploadLayout(most).end;
  upload_ = DeviceBuffer(n_bytes, "the batch");
  for (Flight& flight : flights_) {
    flight.upload = PinnedBuffer(n_bytes, "the batch");
    flight.results = PinnedBuffer(places_.end, "results");
    flight.logits = PinnedBuffer(std::int64_t{sizes_.max_wanted_logits} * sizes_.vocab_size * 4,
                                 "wanted logits");
    flight.hidden = PinnedBuffer(std::int64_t{sizes_.max_wanted_hidden} * sizes_.hidden_size * 4,
                                 "wanted hidden states");
    check(cudaEventCreateWithFlags(&flight.uploaded, cudaEventDisableTiming), "making an event");
    check(cudaEventCreateWithFlags(&flight.done, cudaEventDisableTiming), "making an event");
    flight.samples.reserve(static_cast<std::size_t>(sizes_.max_samples));
    flight.logprobs.resize(static_cast<std::size_t>(sizes_.max_samples));
    for (TokenLogprobs& logprobs : flight.logprobs)
      logprobs.top.reserve(static_cast<std::size_t>(sizes_.max_logprobs));
  }
  for (std::int32_t n = 1; n < sizes_.limits.max_num_seqs; n += n < 4    ? 1
                                                                : n < 8  ? 2
                                                                : n < 64 ? 8
                                                                         : 32)
    buckets_.push_back(n);
  buckets_.push_back(sizes_.limits.max_num_seqs);
}

}  // namespace tinyllm::cuda

#include "kernels/cpu/cpu_attention.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "kernels/cpu/for_each_token.h"
#include "kernels/cpu/hadamard.h"

namespace tinyllm {
namespace {

std::int32_t n_segments(const AttentionQueries& queries) {
  return queries.end_segment() - queries.first_segment();
}

}  // namespace

QkvLayout::QkvLayout(const AttentionSpec& spec)
    : k_begin(whole_panels(spec.q_size())),
      v_begin(k_begin + whole_panels(spec.kv_size())),
      stride(v_begin + whole_panels(spec.kv_size())) {}

void CpuAttention::set_rope_table(std::span<const float> cos, std::span<const float> sin) {
  rope_cos_ = Buffer(static_cast<std::int64_t>(cos.size_bytes()), "RoPE table");
  rope_sin_ = Buffer(static_cast<std::int64_t>(sin.size_bytes()), "RoPE table");
  std::ranges::copy(cos, rope_cos_.as<float>().begin());
  std::ranges::copy(sin, rope_sin_.as<float>().begin());
}

void CpuAttention::configure(const BackendSizes& sizes, const KvSpec& kv) {
  const std::int32_t head_dim = sizes.attention.front().head_dim;
  std::int64_t stride = 0;
  bool has_sinks = false;
  std::int32_t heads_a_group = 0;  // query heads that read one K/V head
  for (const AttentionSpec& layer : sizes.attention) {
    CHECK(layer.head_dim == head_dim, "layers have heads of {} and {}", head_dim, layer.head_dim);
    CHECK(layer.sinks <= kMaxAttentionSinks, "{} attention sinks", layer.sinks);
    has_sinks = has_sinks || layer.sinks > 0;
    stride = std::max(stride, QkvLayout(layer).stride);
    heads_a_group = std::max(heads_a_group, layer.n_heads / layer.n_kv_heads);
  }
  kv_ = kv;
  kv_cache_ = KvCache(sizes.attention, kv);
  attention_ = attention_for(kernels_->attention, kv.type, kv.block_size, head_dim);
  const bool can_transform = std::has_single_bit(static_cast<unsigned>(head_dim));
  CHECK(kv.type != KvType::q4 || can_transform, "q4 with heads of {}", head_dim);
  transforms_keys_ = can_transform && bits(kv.type) <= 8;
  transforms_values_ = kv.type == KvType::q4;
  const std::int64_t max_tokens = sizes.limits.max_num_batched_tokens;
  chunks_.resize(max_tokens);
  projections_ = Buffer(max_tokens * stride * 4, "activations");
  if (has_sinks) sink_queries_ = Buffer(max_tokens * stride * 4, "activations");
  scratch_floats_ = attention_scratch_floats(kChunkTokens * heads_a_group, head_dim);
  scratch_ = Buffer(pool_->n_workers() * scratch_floats_ * 4, "activations");
  if (pool_->n_workers() == 1) return;  // nobody to share a context with
  const std::int64_t max_segments =
      (std::int64_t{sizes.limits.max_model_len} + kAttentionSegment - 1) / kAttentionSegment;
  const std::int64_t max_queries =
      kTasksPerWorker * pool_->n_workers() * kChunkTokens * heads_a_group;
  partials_ = Buffer(std::min(kMaxPartialsBytes,
                              max_segments * max_queries * attention_partial_floats(head_dim) * 4),
                     "activations");
}

void CpuAttention::begin_step(const StepBatch& batch) {
  batch_ = batch;
  n_chunks_ = 0;
  for (std::int32_t seq = 0; seq < batch.n_seqs; ++seq) {
    const std::int32_t end = batch.seq_starts[seq + 1];
    for (std::int32_t t = batch.seq_starts[seq]; t < end; t += kChunkTokens)
      chunks_[n_chunks_++] = {seq, t, std::min(kChunkTokens, end - t), 0, 0};
  }
}

void CpuAttention::finish_projections(const LayerSpec& layer) {
  for_each_token(*pool_, batch_.n_tokens, [&](std::int64_t t) {
    for (std::int32_t kv_head = 0; kv_head < layer.attention.n_kv_heads; ++kv_head)
      finish_heads(layer, t, kv_head);
  });
}

// One K/V head and the query heads that read it.
void CpuAttention::finish_heads(const LayerSpec& layer, std::int64_t t, std::int32_t kv_head) {
  const AttentionSpec& spec = layer.attention;
  const QkvLayout layout(spec);
  const std::int64_t dim = spec.head_dim, group = spec.n_heads / spec.n_kv_heads;
  const float* bias = weights_->vector(layer.qkv_bias);
  const float* k_norm = weights_->vector(layer.k_norm);
  const std::int32_t position = batch_.positions[t];
  float* q = projections() + t * layout.stride;
  float* k = q + layout.k_begin + kv_head * dim;
  float* v = q + layout.v_begin + kv_head * dim;

  for (std::int64_t head = kv_head * group; head < (kv_head + 1) * group; ++head)
    finish_query(layer, t, head);
  if (bias != nullptr) {
    kernels_->add(k, bias + spec.q_size() + kv_head * dim, dim);
    kernels_->add(v, bias + spec.q_size() + spec.kv_size() + kv_head * dim, dim);
  }
  if (k_norm != nullptr) kernels_->rms_norm(k, k_norm, k, dim, layer.norm_eps);
  rotate(spec, k, position);
  if (transforms_keys_) hadamard_transform(k, dim);
  if (transforms_values_) hadamard_transform(v, dim);
  const std::int32_t slot = batch_.slot_mapping[t];
  kernels_->store_kv(kv_cache_.pages(layer.layer_idx, kv_head), slot / kv_.block_size,
                     slot % kv_.block_size, k, v);
}

void CpuAttention::finish_query(const LayerSpec& layer, std::int64_t t, std::int64_t head) {
  const AttentionSpec& spec = layer.attention;
  const std::int64_t dim = spec.head_dim, at = t * QkvLayout(spec).stride + head * dim;
  const float* bias = weights_->vector(layer.qkv_bias);
  const float* norm = weights_->vector(layer.q_norm);
  const std::int32_t position = batch_.positions[t];
  float* q = projections() + at;
  if (bias != nullptr) kernels_->add(q, bias + head * dim, dim);
  if (norm != nullptr) kernels_->rms_norm(q, norm, q, dim, layer.norm_eps);
  if (spec.sinks > 0) {
    float* sink_q = sink_queries_.as<float>().data() + at;
    std::copy_n(q, dim, sink_q);
    rotate(spec, sink_q, std::min(position, spec.window + spec.sinks - 1));
    if (transforms_keys_) hadamard_transform(sink_q, dim);
  }
  rotate(spec, q, position);
  if (transforms_keys_) hadamard_transform(q, dim);
}

void CpuAttention::rotate(const AttentionSpec& spec, float* head, std::int32_t position) {
  const std::int64_t half = spec.head_dim / 2;
  const auto rope = spec.rope_pairing == RopePairing::interleaved ? kernels_->rope_interleaved
                                                                  : kernels_->rope_split_halves;
  rope(head, rope_cos_.as<float>().data() + position * half,
       rope_sin_.as<float>().data() + position * half, spec.head_dim);
}

AttentionQueries CpuAttention::positions_of(const QueryChunk& chunk,
                                            const AttentionSpec& spec) const {
  AttentionQueries queries{};
  queries.n_tokens = chunk.n_tokens;
  queries.n_heads = spec.n_heads / spec.n_kv_heads;
  queries.position = batch_.positions[chunk.first_token];
  queries.window = spec.window;
  queries.sinks = spec.sinks;
  return queries;
}

AttentionQueries CpuAttention::queries_of(const QueryChunk& chunk, const AttentionSpec& spec,
                                          std::int32_t kv_head, InputRows& out) {
  AttentionQueries queries = positions_of(chunk, spec);
  const std::int64_t offset = std::int64_t{kv_head} * queries.n_heads * spec.head_dim;
  queries.q_stride = QkvLayout(spec).stride;
  queries.q = projections() + chunk.first_token * queries.q_stride + offset;
  if (spec.sinks > 0) {
    queries.sink_q =
        sink_queries_.as<float>().data() + chunk.first_token * queries.q_stride + offset;
  }
  queries.out_stride = out.stride();
  queries.out = out.row(chunk.first_token) + offset;
  return queries;
}

void CpuAttention::for_each_task(const AttentionSpec& spec, std::int32_t n_parts, Task each) {
  const std::int64_t n_tasks = std::int64_t{n_chunks_} * spec.n_kv_heads * n_parts;
  pool_->parallel_for(n_tasks, 1, [&](int worker_idx, std::int64_t task, std::int64_t) {
    const std::int64_t pair = task / n_parts;
    each(worker_idx, chunks_[pair / spec.n_kv_heads],
         static_cast<std::int32_t>(pair % spec.n_kv_heads),
         static_cast<std::int32_t>(task % n_parts));
  });
}

void CpuAttention::attend(const LayerSpec& layer, InputRows& out) {
  const AttentionSpec& spec = layer.attention;
  const std::int32_t run = plan_segment_runs(spec);
  if (run > 0) return attend_in_runs(layer, run, out);
  for_each_task(spec, 1,
                [&](int worker_idx, const QueryChunk& chunk, std::int32_t kv_head, std::int32_t) {
                  const AttentionQueries queries = queries_of(chunk, spec, kv_head, out);
                  attention_.attend(queries, kv_cache_.pages(layer.layer_idx, kv_head),
                                    block_table(chunk), spec.scale, scratch_of(worker_idx));
                  turn_back(queries, spec.head_dim);
                });
}

std::int32_t CpuAttention::plan_segment_runs(const AttentionSpec& spec) {
  const std::int64_t n_wanted = kTasksPerWorker * pool_->n_workers();
  if (pool_->n_workers() == 1 || n_chunks_ * spec.n_kv_heads >= n_wanted) return 0;
  std::int64_t n_partials = 0, n_tasks = 0;  // of one segment each
  bool several = false;
  for (QueryChunk& chunk : chunks()) {
    const AttentionQueries queries = positions_of(chunk, spec);
    const std::int64_t n = n_segments(queries);
    chunk.first_partial = n_partials;
    chunk.n_partials = n * queries.n_queries();
    n_partials += chunk.n_partials * spec.n_kv_heads;
    n_tasks += n * spec.n_kv_heads;
    several = several || n > 1;
  }
  const std::int64_t n_bytes = n_partials * attention_partial_floats(spec.head_dim) * 4;
  if (!several || n_bytes > partials_.n_bytes()) return 0;
  return static_cast<std::int32_t>(std::max<std::int64_t>(1, n_tasks / n_wanted));
}

void CpuAttention::attend_in_runs(const LayerSpec& layer, std::int32_t run, InputRows& out) {
  const AttentionSpec& spec = layer.attention;
  const auto partials_of = [&](const QueryChunk& chunk, std::int32_t kv_head) {
    return partials_.as<float>().data() + (chunk.first_partial + kv_head * chunk.n_partials) *
                                              attention_partial_floats(spec.head_dim);
  };
  std::int32_t most_runs = 0;  // a chunk with fewer has empty tasks
  for (const QueryChunk& chunk : chunks())
    most_runs = std::max(most_runs, (n_segments(positions_of(chunk, spec)) + run - 1) / run);
  for_each_task(
      spec, most_runs,
      [&](int worker_idx, const QueryChunk& chunk, std::int32_t kv_head, std::int32_t part) {
        const AttentionQueries queries = queries_of(chunk, spec, kv_head, out);
        const std::int32_t first = queries.first_segment() + part * run;
        attention_.make_partials(queries, kv_cache_.pages(layer.layer_idx, kv_head),
                                 block_table(chunk), spec.scale, first,
                                 std::min(first + run, queries.end_segment()),
                                 partials_of(chunk, kv_head), scratch_of(worker_idx));
      });
  for_each_task(spec, 1,
                [&](int worker_idx, const QueryChunk& chunk, std::int32_t kv_head, std::int32_t) {
                  const AttentionQueries queries = queries_of(chunk, spec, kv_head, out);
                  attention_.merge_partials(queries, kv_cache_.pages(layer.layer_idx, kv_head),
                                            partials_of(chunk, kv_head), scratch_of(worker_idx));
                  turn_back(queries, spec.head_dim);
                });
}

// Sums of values that were transformed become sums of the values.
void CpuAttention::turn_back(const AttentionQueries& queries, std::int32_t head_dim) const {
  if (!transforms_values_) return;
  for (std::int32_t i = 0; i < queries.n_queries(); ++i)
    hadamard_transform(queries.out_of(i, head_dim), head_dim);
}

// Keys and values are read once a chunk of queries; each query multiplies with both of every
// position that it sees.
CpuAttention::Work CpuAttention::work(const AttentionSpec& spec) const {
  double n_read = 0, n_products = 0;  // positions
  for (const QueryChunk& chunk : chunks()) {
    const AttentionQueries queries = positions_of(chunk, spec);
    const std::int32_t n_sinks = queries.sees_sinks_apart(chunk.n_tokens - 1) ? spec.sinks : 0;
    n_read += queries.end(chunk.n_tokens - 1) - queries.begin(0) + n_sinks;
    for (std::int32_t t = 0; t < chunk.n_tokens; ++t) {
      n_products += queries.end(t) - queries.begin(t);
      if (queries.sees_sinks_apart(t)) n_products += spec.sinks;
    }
  }
  const auto position_bytes = static_cast<double>(kv_page_bytes(kv_.type, 1, spec.head_dim));
  return {n_read * spec.n_kv_heads * position_bytes, n_products * 4 * spec.q_size()};
}

}  // namespace tinyllm

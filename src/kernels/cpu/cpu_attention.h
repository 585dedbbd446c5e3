#pragma once
// Attention on the CPU: from the projections q, k, v of a step's tokens to the attended rows. Keys
// and values go into their pages. Queries go through the pages in chunks; where there are few, the
// threads share a context: each makes the partial results of a run of segments, and these are then
// merged (flash decoding, Dao et al. 2023). Who made what changes no bit. Engine thread only.

#include <cstdint>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "base/thread_pool.h"
#include "kernels/backend.h"
#include "kernels/cpu/cpu_weights.h"
#include "kernels/cpu/input_rows.h"
#include "kernels/cpu/kv_cache.h"
#include "kernels/cpu/row_kernels.h"
#include "tensor/buffer.h"

namespace tinyllm {

// Where q, k and v stand in a token's row of projections: each begins with a panel of the matrix.
struct QkvLayout {
  explicit QkvLayout(const AttentionSpec& spec);
  std::int64_t k_begin, v_begin;
  std::int64_t stride;  // floats from a token to the next
};

class CpuAttention {
 public:
  // All must outlive it.
  CpuAttention(ThreadPool& pool, const RowKernels& kernels, const CpuWeights& weights)
      : pool_(&pool), kernels_(&kernels), weights_(&weights) {}

  // See Backend. Layers may differ in heads and window; the table, and so head_dim, is common.
  void set_rope_table(std::span<const float> cos, std::span<const float> sin);
  void configure(const BackendSizes& sizes, const KvSpec& kv);

  KvCache& kv_cache() { return kv_cache_; }

  // Views of the batch are kept until the next one.
  void begin_step(const StepBatch& batch);

  // Where the product with qkv_proj goes: [n_tokens, QkvLayout::stride] f32.
  float* projections() { return projections_.as<float>().data(); }
  // Biases, q/k norm and RoPE on the projections; k and v into their pages. Where there are attention
  // sinks, queries are turned for them as well.
  void finish_projections(const LayerSpec& layer);
  // out[t] = softmax(q[t] K^T scale) V over the positions that token t sees; [n_tokens, q_size].
  void attend(const LayerSpec& layer, InputRows& out);

  // What attend() reads and computes in this step, for a StepProfile.
  struct Work {
    double bytes, ops;
  };
  Work work(const AttentionSpec& spec) const;

 private:
  // Tokens of one sequence that go through attention together, and their partial results when
  // several threads share their context.
  struct QueryChunk {
    std::int32_t seq, first_token, n_tokens;
    std::int64_t first_partial, n_partials;  // of the first K/V head, and of each
  };
  std::span<QueryChunk> chunks() { return std::span(chunks_).first(n_chunks_); }
  std::span<const QueryChunk> chunks() const { return std::span(chunks_).first(n_chunks_); }

  void finish_heads(const LayerSpec& layer, std::int64_t t, std::int32_t kv_head);
  void finish_query(const LayerSpec& layer, std::int64_t t, std::int64_t head);
  void rotate(const AttentionSpec& spec, float* head, std::int32_t position);

  // The positions of a chunk's queries and what they see, without their rows.
  AttentionQueries positions_of(const QueryChunk& chunk, const AttentionSpec& spec) const;
  // The query heads that read kv_head.
  AttentionQueries queries_of(const QueryChunk& chunk, const AttentionSpec& spec,
                              std::int32_t kv_head, InputRows& out);
  const std::int32_t* block_table(const QueryChunk& chunk) const {
    return batch_.blocks.data() + batch_.block_starts[chunk.seq];
  }
  // each(worker_idx, chunk, kv_head, part) for every chunk, K/V head and part, in parallel.
  using Task = function_ref<void(int worker_idx, const QueryChunk& chunk, std::int32_t kv_head,
                                 std::int32_t part)>;
  void for_each_task(const AttentionSpec& spec, std::int32_t n_parts, Task each);

  // How many segments a task takes where threads share contexts, or 0 where each chunk and head is
  // one task. Places the partials.
  std::int32_t plan_segment_runs(const AttentionSpec& spec);
  void attend_in_runs(const LayerSpec& layer, std::int32_t run, InputRows& out);
  void turn_back(const AttentionQueries& queries, std::int32_t head_dim) const;

  float* scratch_of(int worker_idx) {
    return scratch_.as<float>().data() + worker_idx * scratch_floats_;
  }

  static constexpr std::int32_t kChunkTokens = 16;
  static constexpr std::int64_t kTasksPerWorker = 4;  // with fewer, contexts are shared
  static constexpr std::int64_t kMaxPartialsBytes = std::int64_t{16} << 20;

  ThreadPool* pool_;
  const RowKernels* kernels_;
  const CpuWeights* weights_;
  AttentionKernels attention_{};  // those of kernels_ that take such pages
  Buffer rope_cos_, rope_sin_;    // [max_model_len, head_dim / 2] f32
  KvCache kv_cache_;
  KvSpec kv_;
  // Keys of 8 or 4 bits and their queries go through a Hadamard transform, which spreads a large
  // channel over all: kernels/cpu/hadamard.h. Values of 4 bits do too, and their sums back.
  bool transforms_keys_ = false, transforms_values_ = false;

  StepBatch batch_;
  std::vector<QueryChunk> chunks_;  // [max tokens]
  std::int32_t n_chunks_ = 0;
  Buffer projections_;   // [max tokens, widest QkvLayout::stride] f32
  Buffer sink_queries_;  // the same, of queries as they meet attention sinks; none: empty
  Buffer scratch_;       // [n_workers, scratch_floats_] f32, of the kernels
  std::int64_t scratch_floats_ = 0;
  Buffer partials_;  // of shared contexts: rows of attention_partial_floats f32
};

}  // namespace tinyllm

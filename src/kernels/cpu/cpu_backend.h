#pragma once
// The CPU backend: loops and threads over the row kernels of one instruction set; no intrinsics
// here. Each operation is one or two parallel passes with a barrier between them. Within a pass a
// row is made whole by one thread in one order of addition, so results do not depend on who runs it
// or on the rest of the batch.

#include <cstdint>
#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/backend.h"
#include "kernels/cpu/activations.h"
#include "kernels/cpu/packed_matrix.h"
#include "kernels/cpu/row_kernels.h"
#include "sampling/choose_token.h"
#include "sampling/token_history.h"
#include "tensor/buffer.h"

namespace tinyllm {

class CpuBackend final : public Backend {
 public:
  // `pool` must outlive the backend; its worker 0 is the engine thread.
  CpuBackend(ThreadPool& pool, const RowKernels& kernels);

  MatrixId pack_matrix(std::span<const Tensor> parts, PartOrder order) override;
  VectorId pack_vector(std::span<const Tensor> parts) override;
  void set_rope_table(std::span<const float> cos, std::span<const float> sin) override;
  void configure(const BackendSizes& sizes, const KvSpec& kv) override;
  std::int64_t kv_block_bytes(const BackendSizes& sizes, const KvSpec& kv) const override;
  std::int64_t packed_bytes() const override;
  std::int64_t packed_bytes(MatrixId id) const override { return matrix(id).n_bytes(); }
  std::int64_t free_bytes() const override;

  void set_profile(StepProfile* profile) override;
  void begin_step(const StepBatch& batch) override;
  void run(Recipe kind, function_ref<void()> recipe) override;
  void embed(MatrixId embed_tokens) override;
  void attention_input(const LayerSpec& layer) override;
  void attention(const LayerSpec& layer) override;
  void attention_output(const LayerSpec& layer) override;
  void mlp(const LayerSpec& layer) override;
  void head(const HeadWeights& head) override;
  const StepOutput& collect() override;
  std::int32_t lag() const override { return 0; }
  void copy_hidden(std::span<float> out) const override;

 private:
  const PackedMatrix& matrix(MatrixId id) const { return *matrices_[static_cast<std::size_t>(id)]; }
  // nullptr for VectorId::none
  const float* vector(VectorId id) const;
  KvPages kv_pages(std::int32_t layer_idx, std::int32_t kv_head);
  TokenId& last_drawn(std::int32_t row_slot) {
    return last_drawn_[static_cast<std::size_t>(row_slot)];
  }
  float* hidden_row(std::int64_t t) { return hidden_.as<float>().data() + t * sizes_.hidden_size; }

  // The time since the last mark belongs to `part`; with --profile only. The second also counts the
  // work of multiplying [n_rows] rows.
  void mark(StepPart part) {
    if (profile_ != nullptr) [[unlikely]]
      profile_->mark(part, pool_->take_waited_s());
  }
  void mark(StepPart part, const PackedMatrix& weights, std::int64_t n_rows) {
    if (profile_ != nullptr) [[unlikely]]
      mark_product(part, weights, n_rows);
  }
  void mark_product(StepPart part, const PackedMatrix& weights, std::int64_t n_rows);
  void mark_attention(const AttentionSpec& spec);
  // each(t) for all tokens of the step; one token stays on the caller, since waking the others
  // costs more.
  void for_each_token(function_ref<void(std::int64_t t)> each);
  // normed_ row t = rms_norm(x), as int8 too when `weights` wants it.
  void normalise(const float* x, VectorId norm, float eps, const PackedMatrix& weights,
                 float split_above, std::int64_t t);
  // Before rows of x are multiplied with weights.
  void collect_residuals(const PackedMatrix& weights, Activations& x, std::int64_t n_rows);
  // y [n, 32] = rows t to t + n of x times one panel; n <= kMaxPanelTokens.
  void multiply_panel(const PackedMatrix& weights, std::int64_t panel, Activations& x,
                      std::int64_t t, std::int64_t n, float* y);
  // each(task, t, n) for all tasks, in parallel, and all rows, t to t + n at a time, n at most
  // kMaxPanelTokens: a worker's `chunk` tasks meet the same rows one after the other.
  void for_each_block(std::int64_t n_tasks, std::int64_t chunk, std::int64_t n_rows,
                      function_ref<void(std::int64_t task, std::int64_t t, std::int64_t n)> each);
  // For every panel of `weights` and up to kMaxPanelTokens rows of x at a time:
  // sink(first column, first row, n rows, y) with y as above. Panels run in parallel.
  using Sink = function_ref<void(std::int64_t col, std::int64_t t, std::int64_t n, const float* y)>;
  void multiply(const PackedMatrix& weights, Activations& x, std::int64_t n_rows, Sink sink);
  // out [n_rows, stride] = x weights^T
  void multiply_into(const PackedMatrix& weights, Activations& x, std::int64_t n_rows, float* out,
                     std::int64_t stride);
  // gated = silu(normed Wg^T + bg) * (normed Wu^T + bu)
  void gate_and_up(const LayerSpec& layer);
  // hidden += x weights^T + bias
  void add_projection(const PackedMatrix& weights, Activations& x, VectorId bias);
  // Tokens of one sequence that go through attention together; their partial results when several
  // threads share their context.
  struct QueryChunk {
    std::int32_t seq, first_token, n_tokens;
    std::int64_t first_partial, n_partials;  // of the first K/V head, and of each
  };
  // The query heads of kv_head.
  AttentionQueries queries_of(const QueryChunk& chunk, const AttentionSpec& spec,
                              std::int32_t kv_head);
  const std::int32_t* block_table(const QueryChunk& chunk) const {
    return batch_.blocks.data() + batch_.block_starts[static_cast<std::size_t>(chunk.seq)];
  }
  // With few chunks of queries the workers share contexts: how many segments a task takes, or 0
  // when each chunk and head is one task. Places the partials.
  std::int32_t plan_segment_runs(const AttentionSpec& spec);
  void attention_in_runs(const LayerSpec& layer, std::int32_t run);
  std::int64_t attention_scratch() const {  // floats a worker
    const AttentionSpec& spec = sizes_.attention;
    return attention_scratch_floats(kQueryTokens * spec.n_heads / spec.n_kv_heads, spec.head_dim);
  }
  float* scratch_of(int worker_idx) {
    return scratch_.as<float>().data() + worker_idx * attention_scratch();
  }
  // What plan_segment_runs may need at most, within reason.
  std::int64_t partials_bytes() const;
  // Bias, q/k norm and RoPE of one K/V head and the query heads that read it; k and v into their
  // page.
  void finish_heads(const LayerSpec& layer, std::int64_t t, std::int32_t kv_head);
  void rotate(const LayerSpec& layer, float* head, std::int32_t position);
  // Sizes the output, and places the rows of logits and hidden states that are wanted.
  void begin_output();
  // Draws and reports for sample `i`, whose logits [vocab_size] it may change.
  void sample(std::size_t i, std::span<float> logits, SamplerWorkspace& workspace);
  TokenId draw(const SampleRow& sample, std::span<const float> logits, SamplerWorkspace& workspace);
  // False when the sample before it, on whose draft it depends, drew another token.
  bool holds(std::size_t i) const;

  static constexpr std::int64_t kHeadRows = 32;       // rows of logits made at once
  static constexpr std::int32_t kQueryTokens = 16;    // tokens of an attention task
  static constexpr std::int64_t kTasksPerWorker = 4;  // fewer: contexts are shared
  static constexpr std::int64_t kMostPartialsBytes = std::int64_t{16} << 20;

  // Which groups of activations keep a residual (RowKernels::quantise_act): those whose scale is
  // 1.4 times the row's, about one in ten. Inputs of q, k, v and the head pass their error on
  // undamped and are small against the step: 0.84 times, one in six to one in two.
  static constexpr float kSplitMore = 0.7f, kSplitLarge = 2.0f;

  ThreadPool* pool_;
  StepProfile* profile_ = nullptr;  // null: nobody wants to know
  RowKernels kernels_;
  Arena weights_{"packed weights"};
  std::vector<std::unique_ptr<PackedMatrix>> matrices_;
  std::vector<Buffer> vectors_;
  Buffer rope_cos_, rope_sin_;  // [max_seq_len, head_dim / 2] f32
  BackendSizes sizes_;
  KvSpec kv_;
  bool spreads_keys_ = false;        // int8 keys and their queries go through a Hadamard transform
  Buffer pages_;                     // [n_layers, n_kv_heads, n_blocks] pages
  std::vector<TokenId> last_drawn_;  // [max_num_seqs] by row slot

  StepBatch batch_;
  std::vector<std::int32_t> token_seqs_;  // [n_tokens] which sequence of the batch each is of
  std::vector<QueryChunk> query_chunks_;  // [n_tokens] at most
  std::int32_t n_query_chunks_ = 0;
  Buffer hidden_;  // [n_tokens, hidden_size] f32
  Activations normed_, attended_, gated_;
  Buffer qkv_;  // [n_tokens, padded q + k + v] f32
  std::int64_t qkv_stride_ = 0;
  Buffer scratch_;                            // [n_workers] of the attention kernel
  Buffer partials_;                           // of shared contexts, [attention_partial_floats] f32
  Buffer logits_;                             // [kHeadRows, padded vocab] f32
  std::vector<SamplerWorkspace> workspaces_;  // one a worker
  std::vector<TokenHistory> histories_;       // [max_num_seqs] by row slot, of those with penalties
  std::vector<std::int32_t> places_;          // [vocab_size] for TokenHistory::reset

  StepOutput output_;
  std::vector<TokenId> drawn_;           // [max_samples]
  std::vector<TokenLogprobs> logprobs_;  // [max_samples]
  Buffer wanted_logits_;                 // [max_wanted_logits, vocab_size] f32
  Buffer wanted_hidden_;                 // [max_wanted_hidden, hidden_size] f32
  struct WantedRows {
    std::int32_t logits, hidden;  // -1: not wanted
  };
  std::vector<WantedRows> wanted_;  // [max_samples] where they go
};

}  // namespace tinyllm

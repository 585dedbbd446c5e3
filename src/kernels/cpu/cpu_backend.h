#pragma once
// The CPU backend: the operations of a step over the linear operator, the attention and the row
// kernels of one instruction set; no intrinsics here. Each operation is one or two parallel passes
// with a barrier between them. Within a pass a row is made whole by one thread in one order of
// addition, so results do not depend on who runs it or on the rest of the batch.

#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/backend.h"
#include "kernels/cpu/cpu_attention.h"
#include "kernels/cpu/cpu_linear.h"
#include "kernels/cpu/cpu_weights.h"
#include "kernels/cpu/input_rows.h"
#include "kernels/cpu/row_kernels.h"
#include "sampling/sampler.h"
#include "tensor/buffer.h"

namespace tinyllm {

class CpuBackend final : public Backend {
 public:
  // `pool` must outlive the backend; its worker 0 is the engine thread.
  CpuBackend(ThreadPool& pool, const RowKernels& kernels);
  CpuBackend(const CpuBackend&) = delete;  // its parts point to each other
  CpuBackend& operator=(const CpuBackend&) = delete;

  MatrixId pack_matrix(std::span<const Tensor> parts, PartOrder order, Shard shard) override;
  VectorId pack_vector(std::span<const Tensor> parts) override;
  void set_rope_table(std::span<const float> cos, std::span<const float> sin) override;
  void configure(const BackendSizes& sizes, const KvSpec& kv) override;
  std::int64_t kv_block_bytes(const BackendSizes& sizes, const KvSpec& kv) const override;
  std::int64_t packed_bytes() const override { return weights_.n_bytes(); }
  std::int64_t packed_bytes(MatrixId id) const override { return weights_.matrix(id).n_bytes(); }
  std::int64_t free_bytes() const override;

  void set_profile(StepProfile* profile) override;
  void begin_step(const ForwardBatch& batch) override;
  void run(const StepKey& key, function_ref<void()> recipe) override;
  void embed(MatrixId embed_tokens) override;
  void attention_input(const LayerSpec& layer) override;
  void attention(const LayerSpec& layer) override;
  void attention_output(const LayerSpec& layer) override;
  void mlp(const LayerSpec& layer) override;
  void head(const HeadWeights& head, const SampleBatch& samples) override;
  const StepOutput& collect() override;
  std::int32_t lag() const override { return 0; }
  void copy_hidden(std::span<float> out) const override;

 private:
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

  // normed_ row `row` = rms_norm(x), as int8 too when `weights` wants it.
  void normalise(const float* x, VectorId norm, float eps, const PackedMatrix& weights,
                 float split_above, std::int64_t row);
  // normed_ = rms_norm(hidden)
  void normalise_tokens(VectorId norm, float eps, const PackedMatrix& weights, float split_above);
  // hidden += x weights^T + bias, for all tokens; quantises x first where weights are.
  void add_projection(const PackedMatrix& weights, VectorId bias, InputRows& x);
  // Draws and reports for one row of logits [vocab_size], which it may change.
  void sample(const SampleBatch& samples, std::size_t row, std::span<float> logits,
              SamplerWorkspace& workspace);

  static constexpr std::int64_t kHeadRows = 32;  // logits rows made at once

  // Which groups of activations keep a residual (RowKernels::quantise_act): usually those whose
  // scale is 1.4 times the row's, about one in ten. Inputs of q, k, v and the head pass their error
  // on undamped and are small against the step: there 0.84 times, one in six to one in two.
  static constexpr float kUsualSplit = 2.0f, kFineSplit = 0.7f;

  ThreadPool* pool_;
  StepProfile* profile_ = nullptr;  // null: nobody wants to know
  RowKernels kernels_;
  CpuWeights weights_;
  CpuLinear linear_;
  CpuAttention attention_;
  BackendSizes sizes_;
  Buffer last_drawn_;  // [max_num_seqs] i32, by row slot

  ForwardBatch batch_;
  std::vector<std::int32_t> token_rows_;  // [n_tokens] the batch row of each token
  Buffer hidden_;                         // [n_tokens, hidden_size] f32
  InputRows normed_, attended_, gated_;

  Buffer logits_;                             // [kHeadRows, padded vocab] f32
  std::vector<SamplerWorkspace> workspaces_;  // one a worker
  StepOutput output_;
  std::vector<TokenId> drawn_;            // [max_logits_rows]
  std::vector<TokenLogprobs> logprobs_;   // [max_logits_rows]
  Buffer wanted_logits_;                  // [max_wanted_logits, vocab_size] f32
  std::vector<std::int32_t> wanted_row_;  // [max_logits_rows] place there, -1: not wanted
};

}  // namespace tinyllm

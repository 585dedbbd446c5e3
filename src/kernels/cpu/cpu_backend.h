#pragma once
// The CPU backend: the operations of a step over the linear operator, the attention, the head and
// the row kernels of one instruction set; no intrinsics here. Each operation is one or two parallel
// passes with a barrier between them. Within a pass a row is made whole by one thread in one order
// of addition, so results do not depend on who runs it or on the rest of the batch.

#include <cstdint>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/backend.h"
#include "kernels/cpu/cpu_attention.h"
#include "kernels/cpu/cpu_experts.h"
#include "kernels/cpu/cpu_head.h"
#include "kernels/cpu/cpu_linear.h"
#include "kernels/cpu/cpu_profile.h"
#include "kernels/cpu/cpu_weights.h"
#include "kernels/cpu/input_rows.h"
#include "kernels/cpu/row_kernels.h"
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

  void set_profile(StepProfile* profile) override { profile_.set(profile); }
  void begin_step(const StepBatch& batch) override;
  void run(Recipe kind, function_ref<void()> recipe) override;
  void embed(MatrixId embed_tokens) override;
  void attention_input(const LayerSpec& layer) override;
  void attention(const LayerSpec& layer) override;
  void attention_output(const LayerSpec& layer) override;
  void mlp(const LayerSpec& layer) override;
  void experts(const LayerSpec& layer) override;
  void head(const HeadWeights& head) override;
  const StepOutput& collect() override { return head_.output(); }
  std::int32_t lag() const override { return 0; }
  void copy_hidden(std::span<float> out) const override;
  std::string arithmetic() const override;
  void read_block(std::int32_t block, std::span<std::byte> out) override {
    attention_.kv_cache().read_block(block, out);
  }
  void write_block(std::int32_t block, std::span<const std::byte> in) override {
    attention_.kv_cache().write_block(block, in);
  }

 private:
  float* hidden_row(std::int64_t t) { return hidden_.as<float>().data() + t * sizes_.hidden_size; }

  // normed_ = rms_norm(hidden), for all tokens, in these forms.
  void normalise(VectorId norm, float eps, RowForms forms, float split_above);
  // hidden += x weights^T + bias, for all tokens; x gets the forms that the weights read.
  void add_projection(const PackedMatrix& weights, VectorId bias, InputRows& x);
  ThreadPool* pool_;
  RowKernels kernels_;
  CpuProfile profile_;
  CpuWeights weights_;
  CpuLinear linear_;
  CpuAttention attention_;
  CpuExperts experts_;
  CpuHead head_;
  BackendSizes sizes_;

  StepBatch batch_;
  std::vector<std::int32_t> token_slots_;  // [n_tokens] the row slot of each token's sequence
  Buffer hidden_;                          // [n_tokens, hidden_size] f32
  InputRows normed_, attended_, gated_;
};

}  // namespace tinyllm

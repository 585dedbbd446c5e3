#pragma once
// The CUDA backend: the contract of kernels/backend.h over the kernels of this folder. One device,
// one stream. A step is one upload, a graph of kernels and one download; ids stay on the device, so
// that a step can be begun before the last one's were read (lag 1).
//
//   decode steps     padded to a bucket of rows; the second time that a bucket comes its launches
//                    are recorded, from then on one graph is launched
//   other steps      launch by launch
//
// All memory is taken by pack_* and configure(). Where in the code things are:
//   cuda_backend.cpp   loading and memory
//   cuda_step.cpp      the frame of a step: upload, graphs, download
//   cuda_layers.cpp    the calls of the recipe
//   cuda_experts.cpp   mixtures of experts
//   cuda_one_row.cpp   steps of one token

#include <cuda_bf16.h>

#include <array>
#include <map>
#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/backend.h"
#include "kernels/cuda/decode_attention.h"
#include "kernels/cuda/device_context.h"
#include "kernels/cuda/device_memory.h"
#include "kernels/cuda/experts.h"
#include "kernels/cuda/gemm.h"
#include "kernels/cuda/linear.h"
#include "kernels/cuda/one_row_step.h"
#include "kernels/cuda/packed_weights.h"
#include "kernels/cuda/sampling.h"
#include "kernels/cuda/step_upload.h"

namespace tinyllm::cuda {

class CudaBackend final : public Backend {
 public:
  // `pool` packs weights and must outlive the backend. Throws as DeviceContext does.
  CudaBackend(ThreadPool& pool, const DeviceOptions& options);
  ~CudaBackend() override;

  MatrixId pack_matrix(std::span<const Tensor> parts, PartOrder order, Shard shard) override;
  VectorId pack_vector(std::span<const Tensor> parts) override;
  MatrixId pack_router(std::span<const Tensor> parts) override;
  void pack_experts(const MoeSpec& moe) override;
  void set_rope_table(std::span<const float> cos, std::span<const float> sin) override;
  void configure(const BackendSizes& sizes, const KvSpec& kv) override;
  std::int64_t kv_block_bytes(const BackendSizes& sizes, const KvSpec& kv) const override;
  std::int64_t packed_bytes() const override { return weights_.n_taken(); }
  std::int64_t packed_bytes(MatrixId id) const override { return matrix(id).n_bytes; }
  std::int64_t free_bytes() const override;

  void begin_step(const StepBatch& batch) override;
  void run(Recipe kind, function_ref<void()> recipe) override;
  void embed(MatrixId embed_tokens) override;
  void attention_input(const LayerSpec& layer) override;
  void attention(const LayerSpec& layer) override;
  void attention_output(const LayerSpec& layer) override;
  void mlp(const LayerSpec& layer) override;
  void experts(const LayerSpec& layer) override;
  void head(const HeadWeights& head) override;
  const StepOutput& collect() override;
  std::int32_t lag() const override { return kLag; }
  void copy_hidden(std::span<float> out) const override;

 private:
  static constexpr std::int32_t kLag = 1;
  static constexpr std::int32_t kRing = kLag + 2;      // a result stays while lag + 1 more begin
  static constexpr std::int32_t kHeadRows = 256;       // rows of logits made at once
  static constexpr std::int32_t kMaxDecodeTokens = 8;  // of a sequence; more are a prompt
  static constexpr std::int32_t kMaxFusedNormRows = 2;
  static constexpr std::int64_t kMaxFusedNormBytes = std::int64_t{24} << 20;  // of the matrix
  static constexpr std::int32_t kAttentionRows = 16;                          // of a segment
  static constexpr std::int32_t kSplitGroups = 32;        // of a fixed split: 512 positions
  static constexpr std::int32_t kDequantisedRows = 8192;  // at once
  static constexpr std::int32_t kExpertTokens = 2048;     // at once

  struct Matrix {
    std::vector<LinearWeights> sections;
    std::vector<std::int32_t> first_rows;  // of the sections
    std::int32_t n_rows = 0, n_cols = 0;
    PartOrder order = PartOrder::stacked;
    std::int64_t n_bytes = 0;
    const float* floats = nullptr;  // of a router, which has no sections: [n_rows, n_cols]
  };
  // What the host keeps of a step until its results were read.
  struct Flight {
    PinnedBuffer upload;
    PinnedBuffer results;  // ids, reports, top ids, top logits
    PinnedBuffer logits, hidden;
    cudaEvent_t uploaded = nullptr, done = nullptr;
    std::vector<SampleRow> samples;
    std::int32_t n_wanted_logits = 0, n_wanted_hidden = 0;
    StepOutput output;
    std::vector<TokenLogprobs> logprobs;
  };
  // Which launches a step is made of.
  struct GraphKey {
    std::int32_t n_rows = 0;
    std::int32_t n_segments = 0;  // room for the attention plan's, which decides where others lie
    bool draws = false, reports = false;
    bool one_row = false;  // all layers are one kernel
    auto operator<=>(const GraphKey&) const = default;
  };
  struct Graph {
    cudaGraphExec_t executable = nullptr;
    int n_seen = 0;
  };
  // Where the parts of a step's results are, in bytes.
  struct ResultPlaces {
    std::int64_t ids, reports, top_ids, top_logits, end;
  };

  // --- cuda_backend.cpp ---
  const Matrix& matrix(MatrixId id) const { return matrices_[static_cast<std::size_t>(id)]; }
  const float* vector(VectorId id) const;  // nullptr for none
  void configure_activations();
  void configure_attention();
  void configure_sampling();
  void configure_flights();

  // --- cuda_step.cpp ---
  UploadCounts counts_of(const StepBatch& batch, bool is_decode) const;
  std::int32_t bucket_of(std::int32_t n_rows) const;
  std::int32_t segments_of_bucket(std::int32_t n_rows) const;
  void plan_attention_of(const StepBatch& batch);
  void upload_pools(const StepBatch& batch);
  void reset_histories(const StepBatch& batch);
  void replay(const GraphKey& key, function_ref<void()> recipe);
  void download();
  Flight& flight(std::int64_t step) { return flights_[static_cast<std::size_t>(step % kRing)]; }
  template <typename T>
  T* uploaded(std::int64_t offset) const {
    return reinterpret_cast<T*>(upload_.data() + offset);
  }

  // --- cuda_layers.cpp ---
  bool goes_to_gemm(const LinearWeights& weights, std::int32_t n) const;
  // The same product with or without cuBLASLt. n_rows: of x. Only `store` and `add`.
  void multiply(const Matrix& weights, const LinearInput& input, std::int32_t n, float* out,
                std::int64_t stride, LinearEpilogue epilogue, VectorId bias);
  void multiply_large(const LinearWeights& weights, const LinearInput& input, std::int32_t n,
                      void* out, std::int64_t stride, GemmOutput output);
  // A kernel less, but every block normalises: what small matrices gain, large ones lose. It rounds
  // differently, too: a deterministic backend never does it.
  bool fuses_norm(const Matrix& weights, std::int32_t n) const;
  // rms_norm(hidden), in the product where it is small, else beforehand into normed_.
  LinearInput normed_input(const Matrix& weights, VectorId norm, float eps);
  // Columns of the down projection: silu(gate) up, in gated_. input: x, or hidden states.
  LinearInput gated_product(const MlpSpec& spec, const LinearInput& input, std::int32_t n);
  AttentionShape attention_shape(const AttentionSpec& spec) const;
  KvView kv_view(std::int32_t layer_idx) const;
  __nv_bfloat16* layer_pages(std::int32_t layer_idx) const;
  void head_rows(const HeadWeights& head, std::int32_t first, std::int32_t n);
  void copy_wanted(std::int32_t first, std::int32_t n);
  SampleBatchView sample_view(std::int32_t first, std::int32_t n) const;
  SampleResults results_view(std::int32_t first) const;

  // --- cuda_one_row.cpp ---
  void configure_one_row();
  bool one_row_matrix(MatrixId id, OneRowLayer& layer, int product);
  bool one_row_layer(const LayerSpec& spec, OneRowLayer& layer);  // false: not such a model
  std::int64_t one_row_layer_bytes(const LayerSpec& spec) const;
  void note_layer(const LayerSpec& spec);
  bool takes_one_row(const StepBatch& batch) const;
  void run_one_row();

  // --- cuda_experts.cpp ---
  void configure_experts();
  void expert_tokens(const LayerSpec& layer, std::int32_t first, std::int32_t n);

  ThreadPool* pool_;
  DeviceContext context_;
  Gemm gemm_;
  DeviceArena weights_{"weights"};
  std::vector<Matrix> matrices_;
  std::vector<const float*> vectors_;
  DeviceBuffer rope_cos_, rope_sin_;  // [max_seq_len, head_dim / 2]
  BackendSizes sizes_;
  AttentionSpec attention_;  // of every layer
  KvSpec kv_;

  // [max_num_batched_tokens, up to 64] rows each
  std::int64_t n_padded_tokens_ = 0;
  std::int64_t hidden_stride_ = 0, gated_stride_ = 0;  // of normed_ and gated_
  DeviceBuffer hidden_;                                // f32
  DeviceBuffer normed_, q_, attended_, gated_, gate_up_;
  DeviceBuffer qkv_;          // f32
  DeviceBuffer dequantised_;  // rows of a matrix
  DeviceBuffer pages_;
  std::int64_t layer_elems_ = 0;

  std::map<MatrixId, ExpertLayer> expert_layers_;  // by router
  std::vector<DeviceBuffer> expert_buffers_;       // what the following look into
  ExpertChoices choices_;
  ExpertRows rows_;
  float *expert_out_ = nullptr, *shared_out_ = nullptr;  // [rows, hidden], [tokens, hidden]
  DeviceBuffer expert_gated_;                            // [rows, gated_stride_]

  OneRowShape one_row_shape_;
  OneRowPlan one_row_plan_;  // n_warps 0: this model has none, or its layers were not all met yet
  std::vector<OneRowLayer> one_row_layers_;
  bool one_row_is_settled_ = false;
  std::int32_t one_row_max_position_ = 0;
  DeviceBuffer one_row_table_, one_row_scratch_;

  AttentionPlanSizes plan_sizes_;
  // has_prefill_: prompts have a kernel of their own. Else decode attention takes them.
  bool has_fast_attention_ = false, has_prefill_ = false;
  std::int64_t max_pieces_ = 0;  // of all ranges of a step
  DeviceBuffer parts_, part_sums_, counters_;

  DeviceBuffer head_normed_, head_floats_;  // [kHeadRows, hidden]
  DeviceBuffer logits_, processed_;         // [kHeadRows, logits_stride_]
  std::int64_t logits_stride_ = 0;
  DeviceBuffer chunk_best_, chunk_finite_, arrivals_, stats_, bin_counts_, bin_masses_;
  DeviceBuffer last_drawn_, history_counts_;
  DeviceBuffer results_;
  ResultPlaces places_{};
  DeviceBuffer biases_, banned_ids_, masks_, history_ids_, history_ranges_;
  SamplerScratch scratch_;
  SamplerState state_;

  std::vector<std::int32_t> buckets_;
  std::map<GraphKey, Graph> graphs_;
  StepPlanner planner_;
  DeviceBuffer upload_;
  std::array<Flight, kRing> flights_;
  std::int64_t n_begun_ = 0, n_collected_ = 0;

  // Of the step that is being made.
  UploadCounts counts_;
  UploadLayout layout_{UploadCounts{}};
  GraphKey key_;
  bool is_decode_ = false;
  std::int32_t n_tokens_ = 0;  // with the bucket's padding
  std::int32_t n_samples_ = 0;
};

}  // namespace tinyllm::cuda

#pragma once
// A mixture of experts on the CPU: the router, and then one pass over all experts of the step, in
// which each expert's weights are read once and meet its tokens together; the shared expert is one
// more that every token chose. A token's experts are added up in its own order, so its bits do not
// depend on its company. Engine thread only.

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/backend.h"
#include "kernels/cpu/cpu_linear.h"
#include "kernels/cpu/cpu_profile.h"
#include "kernels/cpu/cpu_weights.h"
#include "kernels/cpu/input_rows.h"
#include "kernels/cpu/row_kernels.h"
#include "tensor/buffer.h"

namespace tinyllm {

class CpuExperts {
 public:
  // All must outlive it.
  CpuExperts(ThreadPool& pool, const RowKernels& kernels, const CpuWeights& weights,
             CpuLinear& linear, CpuProfile& profile)
      : pool_(&pool),
        kernels_(&kernels),
        weights_(&weights),
        linear_(&linear),
        profile_(&profile) {}

  void configure(const BackendSizes& sizes);

  // The forms in which router and experts read their input.
  RowForms reads(const MoeSpec& moe) const;
  // hidden += the experts' sum. normed: rows 0 to n_tokens - 1; hidden: [n_tokens, hidden_size] f32.
  void run(const LayerSpec& layer, const InputRows& normed, std::int64_t n_tokens, float* hidden);

 private:
  // Fills choices_ from the router's scores.
  void route(const MoeSpec& moe, const InputRows& normed, std::int64_t n_tokens);
  // A token's choices from its row of scores, which become probabilities.
  void choose(const MoeSpec& moe, float* scores, std::int64_t t);
  // Sorts what was chosen by expert and, within one, by token: fills groups_, tokens_ and each
  // choice's row.
  void sort_by_expert(const MoeSpec& moe, std::int64_t n_tokens);
  // The same groups with their second matrix.
  void take_down_proj(const MoeSpec& moe);
  void add_to_hidden(std::int64_t n_tokens, float* hidden);
  void mark(StepPart part);

  struct Choice {
    std::int32_t expert;  // n_experts: the shared one
    float weight;
    std::int32_t row;  // of the pass
  };
  std::span<Choice> choices_of(std::int64_t t) {
    return std::span(choices_).subspan(t * n_choices_, n_choices_);
  }

  ThreadPool* pool_;
  const RowKernels* kernels_;
  const CpuWeights* weights_;
  CpuLinear* linear_;
  CpuProfile* profile_;
  std::int64_t hidden_size_ = 0;
  std::int64_t out_stride_ = 0;

  // Of the layer under way.
  std::int64_t n_choices_ = 0;               // of a token, the shared expert included
  std::vector<Choice> choices_;              // [n_tokens, n_choices_]
  std::vector<std::int32_t> first_row_;      // [n_experts + 1]
  std::vector<std::int32_t> tokens_;         // [rows] whose input a row is
  std::vector<LinearGroup> groups_;          // of experts that were chosen
  std::vector<std::int32_t> group_experts_;  // [groups]
  Buffer scores_;                            // [n_tokens, padded n_experts and one more panel] f32
  InputRows gated_;                          // [rows, intermediate_size]
  Buffer out_;                               // [rows, out_stride_] f32
};

}  // namespace tinyllm

#pragma once
// From hidden states to tokens on the CPU: final norm, head, then each sample's processors, draw
// and reports (sampling/). It keeps what lives by row slot: the last drawn token and the histories
// of the penalties. Engine thread only.

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
#include "sampling/choose_token.h"
#include "sampling/token_history.h"
#include "tensor/buffer.h"

namespace tinyllm {

class CpuHead {
 public:
  static constexpr std::int64_t kMaxRows = 32;  // rows of logits made at once

  // All must outlive it.
  CpuHead(ThreadPool& pool, const RowKernels& kernels, const CpuWeights& weights, CpuLinear& linear,
          CpuProfile& profile)
      : pool_(&pool),
        kernels_(&kernels),
        weights_(&weights),
        linear_(&linear),
        profile_(&profile) {}

  // See Backend.
  void configure(const BackendSizes& sizes);

  // Views of the batch are kept until the next one.
  void begin_step(const StepBatch& batch);
  // What a row slot drew last.
  TokenId last_drawn(std::int32_t row_slot) const { return last_drawn_[row_slot]; }
  // hidden: [n_tokens, hidden_size] f32.
  void run(const HeadWeights& head, const float* hidden);
  // Of the last run; valid until the next one.
  const StepOutput& output() const { return output_; }

 private:
  // Sizes the output, and places the rows of logits and hidden states that are wanted.
  void begin_output();
  // Row i of rows_ = the final norm of sample first + i, for n_rows samples.
  void normalise(const HeadWeights& head, const float* hidden, std::int64_t first,
                 std::int64_t n_rows);
  // Draws and reports for sample `i`, whose logits [vocab_size] it may change.
  void sample(std::int64_t i, std::span<float> logits, SamplerWorkspace& workspace);
  TokenId draw(const SampleRow& sample, std::span<const float> logits, SamplerWorkspace& workspace);
  // True for a sample whose token is the draft of the one before it: it waits for that draw.
  bool depends(std::int64_t i) const { return i > 0 && batch_.samples[i - 1].draft >= 0; }
  // False when the sample before it, on whose draft it depends, drew another token.
  bool holds(std::int64_t i) const {
    return !depends(i) || drawn_[i - 1] == batch_.samples[i - 1].draft;
  }

  ThreadPool* pool_;
  const RowKernels* kernels_;
  const CpuWeights* weights_;
  CpuLinear* linear_;
  CpuProfile* profile_;
  BackendSizes sizes_;

  StepBatch batch_;
  std::vector<TokenId> last_drawn_;           // [max_num_seqs] by row slot
  std::vector<TokenHistory> histories_;       // [max_num_seqs] by row slot, of those with penalties
  std::vector<std::int32_t> places_;          // [vocab_size] for TokenHistory::reset
  InputRows rows_;                            // [kMaxRows, hidden_size]
  Buffer logits_;                             // [kMaxRows, padded vocab] f32
  std::vector<SamplerWorkspace> workspaces_;  // one a worker

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

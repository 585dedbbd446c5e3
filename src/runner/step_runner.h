#pragma once
// StepPlan -> StepBatch -> the model -> what came of each plan row. The only place that knows both
// the scheduler's and the backend's types. Where the backend works behind, a step is launched
// before its predecessor is collected. Arrays are sized at construction; a step allocates nothing.
// Engine thread only.
//
//   launch(plan k)      launch(plan k + 1)                    lag 1: two steps are in flight
//                                           collect: step k

#include <cstdint>
#include <memory>
#include <span>

#include "api/kv_spec.h"
#include "api/output.h"
#include "api/sampling_params.h"
#include "api/step_limits.h"
#include "base/function_ref.h"
#include "kernels/backend.h"
#include "model/decoder.h"
#include "schedule/step_plan.h"

namespace tinyllm {

// What the arrays are sized for.
struct RunnerSizes {
  StepLimits limits;
  KvSpec kv;
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;

  std::int32_t max_blocks_per_seq() const { return kv.blocks_for(limits.max_model_len); }
};

// How the sequence of a plan row wants its tokens: looked up for every row that has logits. Views
// of what stays as it is until launch() returns, the masks until the next row is looked up.
struct RowSettings {
  const SamplingParams* params = nullptr;
  std::span<const TokenId> prompt_ids = {}, output_ids = {};
  std::span<const TokenId> banned_ids = {};  // the stop set: impossible before params->min_tokens
  // [n_draws, mask_words(vocab_size)]: which ids may be drawn after each, a bit each; empty: all.
  std::span<const std::uint32_t> masks = {};
  bool wants_logits = false;          // raw logits of the last new token that is no draft
  bool wants_hidden = false;          // its hidden state after the final norm
  std::int32_t prompt_logprobs = -1;  // alternatives a prompt token; -1: none
};

// What came of a plan row. Views, valid until lag + 1 more steps were launched.
struct RowOutput {
  SequenceId sequence_id = 0;
  std::int64_t start = 0;  // of the plan row, like the next two
  std::int32_t n_new_tokens = 0;
  std::int32_t n_draws = 0;
  bool not_finite = false;                  // the row's logits were not: what follows is empty
  std::span<const TokenId> token_ids;       // drawn: none, one, or one more than drafts were right
  std::span<const TokenLogprobs> logprobs;  // of the drawn tokens, when asked for
  std::span<const TokenLogprobs> prompt_logprobs;  // of the prompt tokens start + 1, start + 2, ...
  std::span<const float> logits, hidden;  // of the last new token that is no draft, when asked for
};

class StepRunner {
 public:
  // decoder and backend must outlive the runner.
  StepRunner(Decoder& decoder, Backend& backend, const RunnerSizes& sizes);
  ~StepRunner();

  // Starts a step. The plan may change as soon as this returns.
  void launch(const StepPlan& plan, function_ref<RowSettings(const PlanRow&)> settings_of);
  // Waits for the oldest step in flight and calls back for
  // every plan row in order. CHECKs that there is one.
  void collect(function_ref<void(const RowOutput&)> each);
  // At most the backend's lag() + 1.
  std::int32_t n_in_flight() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm

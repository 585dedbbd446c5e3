#pragma once
// One step: StepPlan -> ForwardBatch + SampleBatch -> the model -> one result a plan row. The only
// place that knows both the scheduler's tongue and the backend's. Arrays are sized at construction;
// a step allocates nothing. Engine thread only.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

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

  std::int32_t max_blocks_per_row() const { return kv.blocks_for(limits.max_model_len); }
};

// How the sequence of a plan row wants its tokens: looked up for every row that has logits.
struct RowSettings {
  const SamplingParams* params = nullptr;
  std::span<const TokenId> prompt_ids, output_ids;
  std::span<const TokenId> banned_ids;  // the stop set: impossible before params->min_tokens
  bool wants_logits = false;            // raw logits of the last row
  std::int32_t prompt_logprobs = -1;    // alternatives a prompt token; -1: none
};

// What came of a plan row. Views, valid until the next step.
struct RowOutput {
  TokenId token_id = -1;                           // -1: nothing was drawn
  bool not_finite = false;                         // a row's logits were: the rest means nothing
  const TokenLogprobs* logprobs = nullptr;         // of the drawn token, when asked for
  std::span<const TokenLogprobs> prompt_logprobs;  // of the prompt tokens start + 1, start + 2, ...
  std::span<const float> logits;                   // of the last token, when asked for
};

class StepRunner {
 public:
  // decoder and backend must outlive the runner.
  StepRunner(Decoder& decoder, Backend& backend, const RunnerSizes& sizes);
  ~StepRunner();

  // Starts the step and, once its results are there, calls back for every plan row in order.
  void run(const StepPlan& plan, function_ref<RowSettings(const PlanRow&)> settings_of,
           function_ref<void(const PlanRow&, const RowOutput&)> result);

 private:
  struct Arrays;
  Decoder* decoder_;
  Backend* backend_;
  RunnerSizes sizes_;
  std::unique_ptr<Arrays> arrays_;
};

}  // namespace tinyllm

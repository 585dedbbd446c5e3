// A warm step asks the heap for nothing: plan, runner, model, kernels and draw, on a model built
// like SmolLM2 (three query heads a K/V head, quantised matrices, tied embedding), but small; and on
// one with experts.

#include <gtest/gtest.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "base/allocation_counter_test.h"
#include "kernels/make/make_backend.h"
#include "loader/random_checkpoint.h"
#include "runner/step_runner.h"
#include "schedule/scheduler.h"

namespace tinyllm {
namespace {

constexpr std::int32_t kBlockSize = 16, kBlocks = 64, kContext = 256, kRows = 8, kBudget = 32;
constexpr StepLimits kLimits{
    .max_num_seqs = kRows, .max_num_batched_tokens = kBudget, .max_model_len = kContext};
constexpr KvSpec kKv{.type = KvType::bf16, .block_size = kBlockSize, .n_blocks = kBlocks};

ModelConfig small_shape(bool has_experts) {
  ModelConfig config = small_config(has_experts ? "qwen2moe" : "llama");
  config.vocab_size = 300;
  config.hidden_size = 192;
  config.intermediate_size = 512;
  config.n_layers = 2;
  config.n_heads = 6;
  config.n_kv_heads = 2;
  config.head_dim = 32;
  config.max_seq_len = kContext;
  config.tie_word_embeddings = true;
  return config;
}

// What stands under the engine thread, without the thread and the streams. The parameter: whether
// the layers have experts.
class WarmStep : public testing::TestWithParam<bool> {
 protected:
  WarmStep()
      : pool_(2),
        backend_(make_backend(pool_)),
        decoder_(make_random_checkpoint("small", small_shape(GetParam()), DType::q4_0, pool_),
                 *backend_, pool_, {kContext, {}}, [](std::int64_t, std::int64_t) {}),
        scheduler_({.limits = kLimits, .lag = backend_->lag()}, {.kv = kKv, .secret = 1}),
        runner_(decoder_, *backend_,
                {.limits = kLimits,
                 .kv = kKv,
                 .vocab_size = small_shape(GetParam()).vocab_size,
                 .hidden_size = small_shape(GetParam()).hidden_size}) {
    BackendSizes sizes = decoder_.sizes();
    sizes.limits = kLimits;
    sizes.max_samples = kBudget;
    sizes.max_logprobs = 20;
    sizes.max_wanted_logits = kRows;
    backend_->configure(sizes, kKv);
    results_.reserve(kRows);
  }

  void submit(SequenceId id, std::size_t n_prompt, std::int64_t max_tokens, int n_logprobs,
              int n_prompt_logprobs) {
    Wish& wish = wishes_[id];
    wish.params.temperature = id % 2 == 0 ? 0.0f : 0.9f;
    wish.params.top_p = 0.95f;
    wish.params.repetition_penalty = 1.1f;
    wish.params.n_logprobs = n_logprobs;
    wish.n_prompt_logprobs = n_prompt_logprobs;
    for (std::size_t i = 0; i < n_prompt; ++i)
      wish.prompt_ids.push_back(static_cast<TokenId>((i * 31 + id * 7) % 300));
    scheduler_.submit({.id = id,
                       .prompt_ids = wish.prompt_ids,
                       .max_tokens = max_tokens,
                       .wants_prompt_logits = n_prompt_logprobs >= 0});
  }

  // One step; false when there was nothing to do.
  bool step() {
    const StepPlan& plan = scheduler_.plan();
    if (plan.rows.empty()) return false;
    results_.clear();
    n_reports_ = 0;
    const auto settings_of = [&](const PlanRow& row) {
      const Wish& wish = wishes_.at(row.sequence_id);
      RowSettings settings;
      settings.params = &wish.params;
      settings.prompt_ids = settings.output_ids = wish.prompt_ids;
      settings.wants_logits = row.n_draws > 0 && wish.params.n_logprobs >= 0;
      settings.prompt_logprobs = wish.n_prompt_logprobs;
      return settings;
    };
    runner_.launch(plan, settings_of);
    runner_.collect([&](const RowOutput& output) {
      results_.push_back({output.sequence_id, output.token_ids, FinishReason::none});
      n_reports_ += output.prompt_logprobs.size() + output.logprobs.size();
    });
    scheduler_.commit(results_);
    return true;
  }

  struct Wish {
    SamplingParams params;
    std::vector<TokenId> prompt_ids;
    int n_prompt_logprobs = -1;
  };
  ThreadPool pool_;
  std::unique_ptr<Backend> backend_;
  Decoder decoder_;
  Scheduler scheduler_;
  StepRunner runner_;
  std::unordered_map<SequenceId, Wish> wishes_;
  std::vector<RowResult> results_;
  std::size_t n_reports_ = 0;
};

TEST_P(WarmStep, DecodesAllocateNothing) {
  for (const int n_logprobs : {-1, 0, 5, 20}) {
    for (SequenceId i = 1; i <= kRows; ++i) submit(i, 3, 40, n_logprobs, -1);
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(step());
    const std::int64_t before = n_allocations();
    for (int i = 0; i < 30; ++i) ASSERT_TRUE(step());  // over two block borders
    EXPECT_EQ(n_allocations(), before) << "n_logprobs " << n_logprobs;
    EXPECT_EQ(n_reports_, n_logprobs >= 0 ? std::size_t{kRows} : 0);
    while (step()) continue;
    scheduler_.take_finished([](const Sequence&) {});
    wishes_.clear();
  }
}

TEST_P(WarmStep, ChunkedPromptsAllocateNothing) {
  for (const int n_prompt_logprobs : {-1, 0, 20}) {
    submit(1, 5, 200, 5, -1);  // decodes beside the chunks
    ASSERT_TRUE(step());
    for (const SequenceId id : {2, 3}) {
      submit(id, 200, 2, -1, n_prompt_logprobs);
      const std::int64_t before = n_allocations();
      for (int i = 0; i < 6; ++i) ASSERT_TRUE(step());  // 31 of 200 tokens each
      EXPECT_EQ(n_reports_, 1 + (n_prompt_logprobs >= 0 ? 31 : 0));
      EXPECT_EQ(n_allocations(), before) << "prompt " << id << ", " << n_prompt_logprobs;
      while (scheduler_.find(id) != nullptr) step();
    }
    scheduler_.finish(1, FinishReason::cancelled);
    scheduler_.take_finished([](const Sequence&) {});
    wishes_.clear();
  }
}

TEST_P(WarmStep, PreemptionAllocatesNothing) {
  for (SequenceId i = 1; i <= kRows; ++i) submit(i, 60, 100, 2, -1);  // 8 x 10 blocks of 64
  const std::int64_t before = n_allocations();
  for (int i = 0; i < 150; ++i) ASSERT_TRUE(step());
  EXPECT_EQ(n_allocations(), before);
  EXPECT_GT(scheduler_.n_preemptions(), 0u);
}

INSTANTIATE_TEST_SUITE_P(, WarmStep, testing::Bool(), [](const auto& test) {
  return std::string(test.param ? "Experts" : "Dense");
});

}  // namespace
}  // namespace tinyllm

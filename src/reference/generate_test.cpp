#include "reference/generate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "loader/random_checkpoint.h"

namespace tinyllm::reference {
namespace {

ModelConfig tiny_config() {
  ModelConfig config;
  config.architecture = "qwen3";
  config.vocab_size = 61;
  config.hidden_size = 32;
  config.intermediate_size = 48;
  config.n_layers = 2;
  config.n_heads = 4;
  config.n_kv_heads = 2;
  config.head_dim = 8;
  config.max_seq_len = 128;
  config.qk_norm = true;
  return config;
}

class GenerateTest : public testing::Test {
 protected:
  GenerateResult run(const SamplingParams& params, const GenerateOptions& options = {}) {
    return generate(model_, prompt_, params, options, [](TokenId) { return true; });
  }

  static SamplingParams greedy(int max_tokens) {
    SamplingParams params;
    params.temperature = 0;
    params.max_tokens = max_tokens;
    return params;
  }

  ThreadPool pool_{2};
  Checkpoint checkpoint_ = make_random_checkpoint("random:tiny", tiny_config(), DType::f32, pool_);
  Model model_{checkpoint_, pool_, 40};
  std::vector<TokenId> prompt_ = {3, 14, 15, 9, 26};
};

TEST_F(GenerateTest, GreedyTakesTheLargestLogitEachTime) {
  const GenerateResult result = run(greedy(6));
  EXPECT_EQ(result.finish_reason, FinishReason::length);
  ASSERT_EQ(result.token_ids.size(), 6u);
  EXPECT_TRUE(result.logprobs.empty());
  std::vector<TokenId> sequence = prompt_;
  for (const TokenId id : result.token_ids) {
    model_.rewind(0);
    const auto logits = model_.forward(sequence);
    const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
    EXPECT_EQ(id, best);
    sequence.push_back(id);
  }
}

TEST_F(GenerateTest, RecomputeGivesTheSameTokens) {
  const GenerateResult kept = run(greedy(20));
  GenerateOptions options;
  options.recompute = true;
  EXPECT_EQ(run(greedy(20), options).token_ids, kept.token_ids);
}

TEST_F(GenerateTest, KeptPrefixIsNotRunAgain) {
  const GenerateResult whole = run(greedy(8));
  model_.rewind(3);  // positions 0..2 stay
  EXPECT_EQ(run(greedy(8)).token_ids, whole.token_ids);
  // More rows than the prompt has (the last turn's answer): the last prompt token still runs.
  EXPECT_GT(model_.n_computed(), static_cast<std::int64_t>(prompt_.size()));
  const GenerateResult again = run(greedy(8));
  EXPECT_EQ(again.token_ids, whole.token_ids);
  ASSERT_EQ(again.prompt_logits.size(), 61u);
  for (std::size_t i = 0; i < 61; ++i) {
    EXPECT_NEAR(again.prompt_logits[i], whole.prompt_logits[i], 1e-5f);
  }
}

TEST_F(GenerateTest, StopIdsEndTheTextAndAreNotPartOfIt) {
  const std::vector<TokenId> all = run(greedy(12)).token_ids;
  const TokenId last = all.back();
  const auto n_before =
      static_cast<std::size_t>(std::find(all.begin(), all.end(), last) - all.begin());
  const std::vector<TokenId> want(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n_before));

  GenerateOptions options;
  options.eos_ids = {last};
  model_.rewind(0);
  SamplingParams params = greedy(12);
  params.n_logprobs = 2;
  const GenerateResult by_eos = run(params, options);
  EXPECT_EQ(by_eos.finish_reason, FinishReason::stop);
  EXPECT_EQ(by_eos.token_ids, want);
  EXPECT_EQ(by_eos.logprobs.size(), want.size());

  model_.rewind(0);
  params.ignore_eos = true;
  EXPECT_EQ(run(params, options).token_ids, all);

  model_.rewind(0);
  params.stop_token_ids = {last};  // asked for by the caller: ignore_eos does not switch it off
  EXPECT_EQ(run(params, options).token_ids, want);
}

TEST_F(GenerateTest, ContextEndAndCallerEndTheText) {
  const GenerateResult full = run(greedy(1000));
  EXPECT_EQ(full.finish_reason, FinishReason::length);
  EXPECT_EQ(prompt_.size() + full.token_ids.size(), 40u);

  model_.rewind(0);
  int n_seen = 0;
  const GenerateResult cancelled = generate(model_, prompt_, greedy(10), {}, [&](TokenId id) {
    EXPECT_EQ(id, full.token_ids[n_seen]);
    return ++n_seen < 3;
  });
  EXPECT_EQ(cancelled.finish_reason, FinishReason::cancelled);
  EXPECT_EQ(cancelled.token_ids.size(), 3u);
  model_.rewind(0);
  EXPECT_TRUE(run(greedy(0)).token_ids.empty());
}

TEST_F(GenerateTest, BadPromptsAreNamed) {
  const auto message = [&](std::vector<TokenId> prompt) -> std::string {
    prompt_ = std::move(prompt);
    try {
      run(greedy(1));
      return "no error";
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_EQ(message({}), "the prompt has no tokens, must have at least 1");
  EXPECT_EQ(message({1, 61}), "token id 61 in the prompt, must be in [0, 61)");
  EXPECT_EQ(message({-1}), "token id -1 in the prompt, must be in [0, 61)");
  EXPECT_EQ(
      message(std::vector<TokenId>(40, 1)),
      "the prompt has 40 tokens, the context holds 40 and one must be left for the answer; shorten "
      "it or raise --context");
}

}  // namespace
}  // namespace tinyllm::reference

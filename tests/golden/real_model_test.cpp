// Two published models against transformers in f32 on the same file (make_real_model_greedy.py):
// greedy tokens up to the first near-tie, and perplexity. Needs the model's file in the models
// folder of tinyllm (`tinyllm pull NAME`); says so when it is not there.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/thread_pool.h"
#include "loader/checkpoint.h"
#include "real_models_test.h"
#include "reference/generate.h"
#include "reference/model.h"

namespace tinyllm {
namespace {

constexpr double kNearTie = 0.05;  // top-2 gap in logits under which two right answers may differ
constexpr double kMinComparedOf48 = 24;    // on average, or the test would prove little
constexpr double kPerplexityBound = 5e-3;  // relative

class RealModelTest : public testing::TestWithParam<RealModel> {};

TEST_P(RealModelTest, GreedyTokensOfTransformers) {
  const RealModel& model = GetParam();
  if (const std::string missing = what_is_missing(model, TestLevel::all); !missing.empty()) {
    GTEST_SKIP() << missing;
  }
  const Checkpoint checkpoint = Checkpoint::open(model_path(model));
  ThreadPool pool(default_thread_count());
  reference::Model oracle(checkpoint, pool, 512);
  SamplingParams greedy;
  greedy.temperature = 0;
  greedy.max_tokens = 48;

  std::size_t n_runs = 0, n_compared = 0, n_prompt_tokens = 0, n_decoded = 0;
  double prefill_s = 0, decode_s = 0;
  const nlohmann::json runs = golden(model, "greedy").at("runs");
  for (const nlohmann::json& run : runs) {
    const auto prompt_ids = run.at("prompt_ids").get<std::vector<std::int32_t>>();
    const auto want = run.at("token_ids").get<std::vector<std::int32_t>>();
    const auto gaps = run.at("gaps").get<std::vector<double>>();
    oracle.rewind(0);
    const reference::GenerateResult got =
        reference::generate(oracle, prompt_ids, greedy, reference::GenerateOptions{},
                            [](std::int32_t) { return true; });
    ASSERT_EQ(got.token_ids.size(), want.size());
    std::size_t n = 0;
    while (n < want.size() && gaps[n] >= kNearTie) {
      ASSERT_EQ(got.token_ids[n], want[n])
          << "token " << n << " after '" << run.at("prompt").get<std::string>() << "', gap "
          << gaps[n];
      ++n;
    }
    n_runs += 1;
    n_compared += n;
    n_prompt_tokens += prompt_ids.size();
    n_decoded += got.token_ids.size() - 1;
    prefill_s += got.prefill_s;
    decode_s += got.decode_s;
  }
  const double mean = static_cast<double>(n_compared) / static_cast<double>(n_runs);
  std::printf(
      "%s: %zu prompts, %zu tokens equal up to near-ties, %.1f of 48 on average; "
      "prefill %.1f tok/s, decode %.1f tok/s\n",
      model.name, n_runs, n_compared, mean, static_cast<double>(n_prompt_tokens) / prefill_s,
      static_cast<double>(n_decoded) / decode_s);
  EXPECT_GE(n_runs, 8u);
  EXPECT_GE(mean, kMinComparedOf48);
}

// -log softmax(logits)[id], in double.
double negative_log_likelihood(std::span<const float> logits, std::int32_t id) {
  double largest = logits[0];
  for (const float logit : logits) largest = std::max(largest, static_cast<double>(logit));
  double sum = 0;
  for (const float logit : logits) sum += std::exp(static_cast<double>(logit) - largest);
  return std::log(sum) + largest - static_cast<double>(logits[id]);
}

TEST_P(RealModelTest, PerplexityOfTransformers) {
  const RealModel& model = GetParam();
  if (const std::string missing = what_is_missing(model, TestLevel::soak); !missing.empty()) {
    GTEST_SKIP() << missing;
  }
  const nlohmann::json want = golden(model, "perplexity");
  const auto ids = want.at("token_ids").get<std::vector<std::int32_t>>();
  const auto window = want.at("window").get<std::size_t>();
  const Checkpoint checkpoint = Checkpoint::open(model_path(model));
  ThreadPool pool(default_thread_count());
  reference::Model oracle(checkpoint, pool, static_cast<std::int64_t>(window));

  double nll = 0;
  std::size_t n_counted = 0;
  const Stopwatch clock;
  for (std::size_t start = 0; start + 1 < ids.size(); start += window) {
    const std::size_t n = std::min(window, ids.size() - start);
    const std::span<const std::int32_t> tokens = std::span(ids).subspan(start, n);
    oracle.rewind(0);
    oracle.forward_all(tokens, [&](std::int64_t position, std::span<const float> logits) {
      const auto next = static_cast<std::size_t>(position) + 1;
      if (next >= tokens.size()) return;
      nll += negative_log_likelihood(logits, tokens[next]);
      ++n_counted;
    });
  }
  const double perplexity = std::exp(nll / static_cast<double>(n_counted));
  const double wanted = std::exp(want.at("nll").get<double>() / want.at("n_counted").get<double>());
  std::printf("%s: perplexity of %zu tokens %.5f, transformers %.5f (%+.5f %%); %.1f tok/s\n",
              model.name, n_counted, perplexity, wanted, 100 * (perplexity / wanted - 1),
              static_cast<double>(ids.size()) / clock.seconds());
  EXPECT_EQ(n_counted, want.at("n_counted").get<std::size_t>());
  EXPECT_NEAR(perplexity, wanted, kPerplexityBound * wanted);
}

INSTANTIATE_TEST_SUITE_P(, RealModelTest, testing::ValuesIn(kRealModels),
                         [](const auto& info) { return test_name(info.param); });

}  // namespace
}  // namespace tinyllm

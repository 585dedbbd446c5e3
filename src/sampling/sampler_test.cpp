#include "sampling/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <set>

namespace tinyllm {
namespace {

constexpr float kInfinite = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

const SamplingParams kGreedy = {.temperature = 0.0f};

struct Call {
  SamplingParams params = kGreedy;
  std::vector<TokenId> prompt_ids = {}, output_ids = {}, eos_ids = {};

  TokenId operator()(const std::vector<float>& logits, std::uint64_t position = 0) const {
    SamplerWorkspace workspace;
    std::vector<std::int32_t> places(logits.size(), 0);
    TokenHistory history;
    history.reset(prompt_ids, output_ids, places);
    return sample_token(logits, params, history, eos_ids, position, workspace, nullptr);
  }
};

// All ids that 200 positions give.
std::set<TokenId> drawn_ids(const Call& call, const std::vector<float>& logits) {
  std::set<TokenId> ids;
  for (std::uint64_t position = 0; position < 200; ++position) ids.insert(call(logits, position));
  return ids;
}

using IdSet = std::set<TokenId>;

TEST(Sampler, GreedyTakesTheLargestAndOfEqualsTheLowerId) {
  EXPECT_EQ(Call()({1.0f, 3.0f, 2.0f, 3.0f}), 1);
  EXPECT_EQ(Call()({-5.0f}), 0);
  std::vector<float> row(5000, -1.0f);
  row[4999] = row[1024] = row[1023] = 2.0f;
  EXPECT_EQ(Call()(row), 1023);
}

TEST(Sampler, OddLogits) {
  for (const float temperature : {0.0f, 1.0f}) {
    const Call call = {.params = {.temperature = temperature}};
    EXPECT_EQ(drawn_ids(call, {kNan, 1.0f, kNan}), (IdSet{1}));
    EXPECT_EQ(drawn_ids(call, {-kInfinite, -kInfinite, -3e38f}), (IdSet{2}));
    EXPECT_EQ(drawn_ids(call, {-kInfinite, -kInfinite}), (IdSet{0}));
    EXPECT_EQ(drawn_ids(call, {kNan, kNan, kNan}), (IdSet{0}));
    EXPECT_EQ(drawn_ids(call, {5.0f, kInfinite, 3e38f}), (IdSet{1}));
  }
  const Call plain = {.params = {.temperature = 1.0f}};
  EXPECT_EQ(drawn_ids(plain, {5.0f, kInfinite, 3e38f, kInfinite}), (IdSet{1, 3}));
}

TEST(Sampler, AnyTemperatureWithoutOverflow) {
  const std::vector<float> row = {0.9f, 1.0f, -3e38f, 3e-38f, 1.0f};
  for (const float temperature : {1e-6f, 1e-38f, std::numeric_limits<float>::denorm_min()}) {
    EXPECT_EQ(drawn_ids({.params = {.temperature = temperature}}, row), (IdSet{1, 4}));
  }
  EXPECT_EQ(drawn_ids({.params = {.temperature = 100.0f}}, row), (IdSet{0, 1, 3, 4}));
}

TEST(Sampler, LogitBias) {
  const std::vector<float> row = {1.0f, 3.0f, 2.0f};
  EXPECT_EQ(Call({.params = {.temperature = 0.0f, .logit_bias = {{0, 2.5f}}}})(row), 0);
  EXPECT_EQ(Call({.params = {.temperature = 0.0f, .logit_bias = {{1, -100.0f}}}})(row), 2);
  EXPECT_EQ(drawn_ids({.params = {.temperature = 1.0f, .logit_bias = {{1, -kInfinite}}}}, row),
            (IdSet{0, 2}));
  EXPECT_EQ(drawn_ids({.params = {.temperature = 1.0f, .logit_bias = {{1, -100.0f}}}}, row),
            (IdSet{0, 2}));
  // A model that says +inf and a caller who forbids: -inf + inf is NaN, which counts as -inf.
  const Call forbid = {.params = {.temperature = 0.0f, .logit_bias = {{0, -kInfinite}}}};
  EXPECT_EQ(forbid({kInfinite, 1.0f, 2.0f}), 2);
}

TEST(Sampler, MinTokensHoldsBackEveryStopId) {
  const std::vector<float> row = {9.0f, 8.0f, 7.0f, 6.0f};
  Call call = {.params = {.temperature = 0.0f, .min_tokens = 2, .stop_token_ids = {1}},
               .eos_ids = {0, 1000}};
  EXPECT_EQ(call(row), 2);
  call.output_ids = {2};
  EXPECT_EQ(call(row), 2);
  call.output_ids = {2, 2};
  EXPECT_EQ(call(row), 0);
  call.params.ignore_eos = true;  // the caller's matter: the id itself may come
  EXPECT_EQ(call(row), 0);
  // A bias does not bring a held-back id back.
  call = {.params = {.temperature = 0.0f, .logit_bias = {{0, 100.0f}}, .min_tokens = 1},
          .eos_ids = {0}};
  EXPECT_EQ(call(row), 1);
}

TEST(Sampler, PenaltiesComeAfterTheBiasAndBeforeTheTemperature) {
  // Bias first: (1 + 3) / 2 = 2 < 2.5; penalty first would be 1 / 2 + 3 = 3.5.
  const Call call = {
      .params = {.temperature = 0.0f, .repetition_penalty = 2.0f, .logit_bias = {{0, 3.0f}}},
      .prompt_ids = {0}};
  EXPECT_EQ(call({1.0f, 2.5f}), 1);
}

TEST(Sampler, DependsOnSeedAndPositionAlone) {
  std::vector<float> row(300);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(i % 7);
  const auto draws = [&](std::uint64_t seed, SamplerWorkspace& workspace) {
    std::vector<TokenId> ids;
    const SamplingParams params = {.seed = seed};
    for (std::uint64_t position = 0; position < 50; ++position) {
      ids.push_back(sample_token(row, params, {}, {}, position, workspace, nullptr));
    }
    return ids;
  };
  SamplerWorkspace fresh, used;
  const std::vector<TokenId> first = draws(1, used);
  EXPECT_NE(draws(2, used), first);
  EXPECT_EQ(draws(1, used), first);
  EXPECT_EQ(draws(1, fresh), first);
}

TEST(Sampler, OneWorkspaceServesRowsOfAllSizes) {
  SamplerWorkspace workspace;
  const SamplingParams params = {.repetition_penalty = 1.5f, .presence_penalty = 0.5f};
  const std::vector<TokenId> ids = {0, 2, 2};
  for (const std::size_t size : {3u, 5000u, 4u}) {
    const std::vector<float> row(size, 1.0f);
    std::vector<std::int32_t> places(size, 0);
    TokenHistory history;
    history.reset(ids, ids, places);
    for (std::uint64_t position = 0; position < 20; ++position) {
      EXPECT_EQ(sample_token(row, params, history, {}, position, workspace, nullptr),
                Call({.params = params, .prompt_ids = ids, .output_ids = ids})(row, position));
    }
  }
}

TEST(SamplerDeathTest, NamesWhatTheCallerForgot) {
  EXPECT_DEATH(Call()({}), "no logits");
  EXPECT_DEATH(Call({.params = {.n_logprobs = 0}})({1.0f}), "n_logprobs is 0");
}

}  // namespace
}  // namespace tinyllm

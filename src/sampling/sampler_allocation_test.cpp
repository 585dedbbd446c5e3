// A grown workspace serves every call without the heap.

#include <gtest/gtest.h>

#include <vector>

#include "base/allocation_counter_test.h"
#include "sampling/sampler.h"

namespace tinyllm {
namespace {

TEST(SamplerAllocation, NoneOnceTheWorkspaceHasGrown) {
  std::vector<float> row(20000);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<float>(i * 7919 % 1000) * 0.01f;
  const std::vector<TokenId> ids = {1, 2, 3, 2, 1, 19999};
  std::vector<SamplingParams> settings = {
      {.temperature = 0.0f},
      {.temperature = 0.8f, .top_p = 0.95f, .n_logprobs = 20},
      {.top_k = 50, .top_p = 0.9f, .min_p = 0.01f},
      {.top_k = 5000, .logit_bias = {{5, 1.0f}}, .min_tokens = 10, .max_tokens = 20},
      {.repetition_penalty = 1.1f, .presence_penalty = 0.5f, .frequency_penalty = 0.5f},
  };
  SamplerWorkspace workspace;
  TokenLogprobs logprobs;
  std::vector<std::int32_t> places(row.size(), 0);
  TokenHistory history(100);
  const auto sample_all = [&](std::uint64_t position) {
    history.reset(ids, ids, places);
    for (const SamplingParams& params : settings) {
      history.append(sample_token(row, params, history, ids, position, workspace, &logprobs));
    }
  };
  const std::int64_t before_first = n_allocations();
  sample_all(0);
  EXPECT_GT(n_allocations(), before_first) << "the counter must count";
  const std::int64_t before = n_allocations();
  for (std::uint64_t position = 1; position < 20; ++position) sample_all(position);
  EXPECT_EQ(n_allocations(), before);
}

}  // namespace
}  // namespace tinyllm

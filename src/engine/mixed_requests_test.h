#pragma once
// Requests that want everything at once, and answers that must be equal, for tests.

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/engine.h"
#include "engine/tiny_engine_test.h"

namespace tinyllm {

// Penalties, stop strings, logprobs, several choices, prompts with logprobs: all at once in a pool
// so small that sequences are preempted with rows in flight.
inline std::vector<Request> mixed_requests() {
  std::vector<Request> requests;
  for (unsigned i = 0; i < 24; ++i) {
    Request request = greedy(random_prompt(4 + 11 * (i % 6), i % 5), 12 + static_cast<int>(i));
    request.want_logits = i % 7 == 0;
    request.params.temperature = i % 2 == 0 ? 0.0f : 0.8f;
    request.params.seed = i;
    request.params.repetition_penalty = i % 3 == 0 ? 1.3f : 1.0f;
    request.params.frequency_penalty = i % 4 == 0 ? 0.5f : 0.0f;
    request.params.n_logprobs = i % 5 == 0 ? 2 : -1;
    request.params.min_tokens = i % 6 == 0 ? 5 : 0;
    request.params.stop_token_ids = {static_cast<TokenId>(i), static_cast<TokenId>(2 * i)};
    if (i % 4 == 1) request.params.stop = {"a", "b-"};
    request.n_prompt_logprobs = i % 8 == 0 ? 1 : -1;
    request.n = i % 9 == 0 ? 2 : 1;
    requests.push_back(request);
  }
  return requests;
}

// All of them at once; one answer for each choice.
inline std::vector<Answer> answer_all(Engine& engine, const std::vector<Request>& requests) {
  std::vector<std::shared_ptr<RequestStream>> streams;
  for (const Request& request : requests) streams.push_back(engine.submit(request));
  std::vector<Answer> answers;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    for (Answer& answer : read_all(*streams[i], requests[i].n)) answers.push_back(answer);
  }
  return answers;
}

inline void expect_same(const std::vector<Answer>& got, const std::vector<Answer>& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got[i].token_ids, want[i].token_ids) << "answer " << i;
    EXPECT_EQ(got[i].finish_reason, want[i].finish_reason) << "answer " << i;
    EXPECT_EQ(got[i].prompt_logits, want[i].prompt_logits) << "answer " << i;
    ASSERT_EQ(got[i].logprobs.size(), want[i].logprobs.size()) << i;
    for (std::size_t j = 0; j < want[i].logprobs.size(); ++j)
      EXPECT_EQ(got[i].logprobs[j].drawn.logprob, want[i].logprobs[j].drawn.logprob);
    EXPECT_EQ(got[i].prompt_logprobs.size(), want[i].prompt_logprobs.size()) << i;
  }
}

}  // namespace tinyllm

// Every sequence against its lone run, on tiny models. Against the reference path:
// tests/golden/engine_test.cpp.

#include "engine/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <random>
#include <thread>

#include "base/error.h"
#include "engine/tiny_engine_test.h"

namespace tinyllm {
namespace {

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(Engine, LogitsAreBitEqualInAnyCompany) {
  std::uint64_t n_preemptions = 0;
  for (const char* model : {"qwen2-bf16-tied", "qwen3-bf16-untied-yarn"}) {
    std::vector<Request> requests;
    for (unsigned i = 0; i < 12; ++i)
      requests.push_back(greedy(random_prompt(5 + 17 * (i % 7), i % 5), 10 + static_cast<int>(i)));
    EngineOptions lone = small_options();
    lone.limits.max_num_seqs = 1;
    lone.prefix_cache = false;
    lone.limits.max_num_batched_tokens = 256;
    std::vector<Answer> want;
    {
      const std::unique_ptr<Engine> engine = open(model, lone);
      for (const Request& request : requests)
        want.push_back(read_all(*engine->submit(request)).front());
    }
    EngineOptions chunked = small_options(), threads = small_options(), tight = small_options();
    chunked.limits.max_num_batched_tokens = 8;
    threads.n_threads = 3;
    tight.kv.n_blocks = 20;  // preemption
    for (const EngineOptions& options : {small_options(), chunked, threads, tight}) {
      const std::unique_ptr<Engine> engine = open(model, options);
      std::vector<std::shared_ptr<RequestStream>> streams;
      for (const Request& request : requests) streams.push_back(engine->submit(request));
      for (std::size_t i = 0; i < requests.size(); ++i) {
        const Answer got = read_all(*streams[i]).front();
        EXPECT_EQ(got.token_ids, want[i].token_ids) << model << " request " << i;
        EXPECT_TRUE(same_bits(got.prompt_logits, want[i].prompt_logits))
            << model << " request " << i;
      }
      n_preemptions += engine->metrics().n_preemptions.load();
      // A second time: the prefixes are cached now.
      std::int64_t n_cached = 0;
      for (std::size_t i = 0; i < requests.size(); ++i) {
        const Answer got = read_all(*engine->submit(requests[i])).front();
        EXPECT_EQ(got.token_ids, want[i].token_ids);
        EXPECT_TRUE(same_bits(got.prompt_logits, want[i].prompt_logits))
            << model << " request " << i;
        n_cached += got.n_cached_tokens;
      }
      EXPECT_GT(n_cached, 0);
    }
  }
  EXPECT_GT(n_preemptions, 0u);
}

TEST(Engine, RandomLoadWithCancelsInASmallPool) {
  EngineOptions options = small_options();
  options.kv.n_blocks = 24;
  options.limits.max_num_seqs = 16;
  options.limits.max_num_batched_tokens = 48;
  const std::unique_ptr<Engine> engine = open("qwen2-bf16-tied", options);
  std::mt19937 random(3);
  std::vector<Request> requests;
  std::vector<std::shared_ptr<RequestStream>> streams;
  for (unsigned i = 0; i < 64; ++i) {
    Request request = greedy(random_prompt(1 + static_cast<std::int64_t>(random() % 100), i),
                             1 + static_cast<int>(random() % 60));
    request.params.temperature = i % 2 == 0 ? 0.0f : 0.9f;
    request.params.seed = i;
    requests.push_back(request);
    streams.push_back(engine->submit(request));
    if (i % 5 == 4) engine->cancel(streams[random() % streams.size()]);
  }
  std::vector<Answer> answers;
  for (const auto& stream : streams) answers.push_back(read_all(*stream).front());
  int n_finished = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Answer alone = read_all(*engine->submit(requests[i])).front();
    if (answers[i].finish_reason == FinishReason::cancelled) {
      ASSERT_LE(answers[i].token_ids.size(), alone.token_ids.size());
      EXPECT_TRUE(std::equal(answers[i].token_ids.begin(), answers[i].token_ids.end(),
                             alone.token_ids.begin()));
    } else {
      ++n_finished;
      EXPECT_EQ(answers[i].token_ids, alone.token_ids) << "request " << i;
    }
  }
  EXPECT_GT(n_finished, 32);
  EXPECT_EQ(engine->metrics().n_free_blocks.load(), 24);
}

TEST(Engine, SeveralChoicesShareThePromptAndDiffer) {
  const std::unique_ptr<Engine> engine = open("qwen2-bf16-tied", small_options());
  Request request = greedy(random_prompt(40, 1), 16);
  request.params.temperature = 1.0f;
  request.n = 3;
  const std::vector<Answer> answers = read_all(*engine->submit(request), 3);
  EXPECT_NE(answers[0].token_ids, answers[1].token_ids);
  EXPECT_EQ(answers[0].n_cached_tokens, 0);
  EXPECT_EQ(answers[1].n_cached_tokens, 32);
  request.n = 1;
  request.params.seed = 1;
  EXPECT_EQ(read_all(*engine->submit(request)).front().token_ids, answers[1].token_ids);
}

TEST(Engine, PromptLogprobsAreThoseOfGeneratingTheSameText) {
  const std::unique_ptr<Engine> engine = open("qwen2-f32-untied", small_options());
  Request request = greedy(random_prompt(20, 1), 30);
  request.params.n_logprobs = 2;
  const Answer first = read_all(*engine->submit(request)).front();
  ASSERT_EQ(first.logprobs.size(), 30u);
  Request again = greedy(request.prompt_ids, 1);
  again.prompt_ids.insert(again.prompt_ids.end(), first.token_ids.begin(), first.token_ids.end());
  again.n_prompt_logprobs = 0;
  const Answer second = read_all(*engine->submit(again)).front();
  ASSERT_EQ(second.prompt_logprobs.size(), 49u);
  for (std::size_t i = 0; i < 30; ++i) {
    const TokenLogprobs& drawn = first.logprobs[i];
    EXPECT_EQ(drawn.rank, 1);  // greedy
    ASSERT_EQ(drawn.top.size(), 2u);
    EXPECT_EQ(drawn.top[0].token_id, drawn.drawn.token_id);
    EXPECT_EQ(second.prompt_logprobs[19 + i].drawn.token_id, drawn.drawn.token_id);
    EXPECT_EQ(second.prompt_logprobs[19 + i].drawn.logprob, drawn.drawn.logprob);
  }
}

TEST(Engine, WhatCanNeverRunIsRefusedAtOnce) {
  const std::unique_ptr<Engine> engine = open("qwen2-bf16-tied", small_options());
  EXPECT_THROW(engine->submit(greedy({}, 1)), Error);
  EXPECT_THROW(engine->submit(greedy({67}, 1)), Error);
  EXPECT_THROW(engine->submit(greedy(random_prompt(256, 1), 1)), Error);
  EXPECT_EQ(read_all(*engine->submit(greedy(random_prompt(255, 1), 9))).front().token_ids.size(),
            1u);
}

// A reader that takes everything at once is woken at most once a step, not once a token.
TEST(Engine, AStreamWakesItsReaderOnceAStep) {
  const auto engine = open("qwen2-bf16-tied", small_options());
  Request request = greedy(random_prompt(5, 1), 20);
  request.n = 4;
  const auto stream = engine->submit(std::move(request));
  std::atomic<int> n_wakes{0}, n_tokens{0};
  stream->set_listener([&, raw = stream.get()] {  // the engine thread drains it, so none is missed
    ++n_wakes;
    while (const auto piece = raw->try_next())
      n_tokens += static_cast<int>(piece->token_ids.size());
  });
  while (!stream->done()) std::this_thread::yield();
  EXPECT_EQ(n_tokens.load(), 4 * 20);
  EXPECT_LE(n_wakes.load(), static_cast<int>(engine->metrics().n_steps) + 1);
}

}  // namespace
}  // namespace tinyllm

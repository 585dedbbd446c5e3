// What goes wrong for one sequence ends that sequence, with words, and nothing else.

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "base/error.h"
#include "engine/random_load_test.h"
#include "engine/tiny_engine_test.h"
#include "loader/random_checkpoint.h"

namespace tinyllm {
namespace {

constexpr TokenId kPoison = 66;

// A model in which one token's embedding is not a number.
Checkpoint poisoned_checkpoint(DType format) {
  const ModelConfig config = small_config("qwen2");
  ThreadPool pool(1);
  Checkpoint checkpoint = make_random_checkpoint("poisoned", config, format, pool);
  const Tensor* table = checkpoint.find("model.embed_tokens.weight");
  const std::int64_t n_bytes = row_bytes(table->dtype, config.hidden_size);
  // The buffer behind it is this test's own and writable. All ones: NaN, in f32 and as a scale.
  std::memset(const_cast<std::byte*>(table->data) + kPoison * n_bytes, 0xFF,
              static_cast<std::size_t>(n_bytes));
  return checkpoint;
}

Request safe_request(unsigned seed, std::int64_t n_prompt) {
  Request request = greedy(random_prompt(n_prompt, seed), 20);
  for (TokenId& id : request.prompt_ids) id %= kPoison;
  request.params.logit_bias = {{kPoison, -std::numeric_limits<float>::infinity()}};
  return request;
}

TEST(EngineErrors, ASequenceWithoutFiniteLogitsEndsAlone) {
  for (const DType format : {DType::f32, DType::q8_0, DType::q4_0}) {
    EngineOptions options = small_options();
    options.kv.n_blocks = 40;
    const auto open_poisoned = [&] {
      return open_engine(poisoned_checkpoint(format), std::make_shared<const ModelText>(), options,
                         [](std::int64_t, std::int64_t) {});
    };
    std::vector<Request> requests;
    std::vector<bool> is_bad;
    for (unsigned i = 0; i < 24; ++i) {
      requests.push_back(safe_request(i % 6, 5 + 7 * (i % 5)));
      is_bad.push_back(i % 3 == 1);
      if (is_bad.back()) {
        requests.back().prompt_ids[i % requests.back().prompt_ids.size()] = kPoison;
        if (i % 2 == 0) requests.back().n_prompt_logprobs = 2;
        if (i % 4 == 1) requests.back().params.n_logprobs = 2;
      }
    }
    std::vector<Answer> alone;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      alone.emplace_back();
      if (!is_bad[i]) alone.back() = read_all(*open_poisoned()->submit(requests[i])).front();
    }

    const std::unique_ptr<Engine> engine = open_poisoned();
    std::vector<std::shared_ptr<RequestStream>> streams;
    for (const Request& request : requests) streams.push_back(engine->submit(request));
    for (std::size_t i = 0; i < requests.size(); ++i) {
      if (!is_bad[i]) {
        const Answer got = read_all(*streams[i]).front();
        EXPECT_EQ(got.finish_reason, FinishReason::length);
        EXPECT_EQ(got.token_ids, alone[i].token_ids) << name(format) << " request " << i;
        continue;
      }
      const std::optional<OutputPiece> piece = streams[i]->next();
      ASSERT_TRUE(piece) << name(format) << " request " << i;
      EXPECT_EQ(piece->finish_reason, FinishReason::error) << name(format) << " request " << i;
      EXPECT_NE(piece->error.find("not finite"), std::string::npos) << piece->error;
      EXPECT_TRUE(piece->token_ids.empty());
      EXPECT_TRUE(streams[i]->done());
    }
    EXPECT_EQ(engine->metrics().n_errors.load(), 8u);
    EXPECT_EQ(engine->metrics().n_finished.load(), 16u);
    random_load::expect_nothing_left(*engine);
  }
}

TEST(EngineErrors, ARowOfTheHeadWithoutATokenHasNoText) {
  TokenizerSpec spec = tiny_spec();
  spec.tokens.resize(40);
  auto text = std::make_shared<ModelText>();
  text->tokenizer.emplace(spec);
  const std::unique_ptr<Engine> engine = open("qwen2-bf16-tied", small_options(), text);
  Request request = greedy(random_prompt(5, 1), 4);
  request.params.logit_bias = {{50, 100.0f}};
  const random_load::Reading reading = random_load::read(*engine, engine->submit(request));
  EXPECT_EQ(reading.finish_reason, FinishReason::length);
  EXPECT_EQ(reading.token_ids, (std::vector<TokenId>{50, 50, 50, 50}));
  EXPECT_EQ(reading.text, "");
}

TEST(EngineErrors, AskingForTheMostIsNoDanger) {
  const std::unique_ptr<Engine> engine = open("qwen2-bf16-tied", small_options());
  Request request = greedy(random_prompt(5, 1), std::numeric_limits<int>::max());
  const Answer answer = read_all(*engine->submit(request)).front();
  EXPECT_EQ(answer.finish_reason, FinishReason::length);
  EXPECT_EQ(answer.token_ids.size(), 251u);  // the context's 256
  request.params.max_tokens = 1;
  request.n = kMaxChoices;
  for (const Answer& choice : read_all(*engine->submit(request), kMaxChoices))
    EXPECT_EQ(choice.token_ids.size(), 1u);
  request.n = kMaxChoices + 1;
  EXPECT_THROW(engine->submit(request), Error);
  request.n = 1;
  request.params.n_logprobs = kMaxLogprobs + 1;
  EXPECT_THROW(engine->submit(request), Error);
  request.params.n_logprobs = -1;
  request.n_prompt_logprobs = kMaxLogprobs + 1;
  EXPECT_THROW(engine->submit(request), Error);
  EXPECT_EQ(engine->metrics().n_choices.load(), 1u + kMaxChoices);
}

TEST(EngineErrors, AnEngineThatEndsLeavesNobodyWaiting) {
  for (int round = 0; round < 20;
       ++round) {  // some are still in the inbox, some run, some are done
    std::unique_ptr<Engine> engine = open("qwen2-bf16-tied", small_options());
    std::vector<std::shared_ptr<RequestStream>> streams;
    for (int i = 0; i < round; ++i) streams.push_back(engine->submit(greedy({1, 2, 3}, 200)));
    engine.reset();
    for (const auto& stream : streams) {
      const FinishReason reason = read_all(*stream).front().finish_reason;
      EXPECT_TRUE(reason == FinishReason::cancelled || reason == FinishReason::length);
      EXPECT_EQ(stream.use_count(), 1);
    }
  }
}

TEST(EngineErrors, MetricsAddUp) {
  const std::unique_ptr<Engine> engine = open("qwen2-bf16-tied", small_options());
  std::uint64_t n_prompt = 0, n_generated = 0;
  for (unsigned i = 0; i < 10; ++i) {
    const Request request = greedy(random_prompt(30 + i, i % 3), 3 + static_cast<int>(i));
    n_prompt += request.prompt_ids.size();
    n_generated += read_all(*engine->submit(request)).front().token_ids.size();
  }
  const EngineMetrics& metrics = engine->metrics();
  EXPECT_EQ(metrics.n_requests.load(), 10u);
  EXPECT_EQ(metrics.n_generated_tokens.load(), n_generated);
  EXPECT_GT(metrics.n_cached_tokens.load(), 0u);
  EXPECT_EQ(metrics.n_prompt_tokens.load() + metrics.n_cached_tokens.load(), n_prompt);
  random_load::expect_nothing_left(*engine);
}

TEST(EngineErrors, RawLogitsAreForAsManyTextsAsItWasOpenedFor) {
  EngineOptions options = small_options();
  options.max_wanted_logits = 2;
  const auto engine = open("qwen2-bf16-tied", options);
  Request two = greedy(random_prompt(5, 1), 4);
  two.n = 2;
  const auto ask = [&](Request request) -> std::string {
    try {
      read_all(*engine->submit(std::move(request)), 2);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  // A text makes room when it has its logits, when it was refused, and when it was cancelled.
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(two), "");
  const auto cancelled = engine->submit(greedy(random_prompt(5, 1), 200));
  engine->cancel(cancelled);
  read_all(*cancelled);
  EXPECT_EQ(ask(two), "");
  Request three = two;
  three.n = 3;
  EXPECT_EQ(ask(three), "raw logits are asked for by more than 2 texts at a time");
  EXPECT_EQ(ask(two), "");
}

}  // namespace
}  // namespace tinyllm

// Texts do not depend on how far the backend works behind.

#include <gtest/gtest.h>

#include "engine/engine_parts.h"
#include "engine/tiny_engine_test.h"
#include "kernels/lagging_backend_test.h"
#include "kernels/make/make_backend.h"

namespace tinyllm {
namespace {

std::unique_ptr<Engine> open_lagging(std::int32_t lag, const EngineOptions& options) {
  const Checkpoint checkpoint = Checkpoint::open(tiny_model("qwen2-bf16-tied"));
  Engine::Parts parts;
  parts.options = options;
  parts.pool = std::make_unique<ThreadPool>(2);
  parts.backend = std::make_unique<LaggingBackend>(make_backend(*parts.pool), lag, 1u);
  parts.decoder = std::make_unique<Decoder>(checkpoint, *parts.backend, *parts.pool,
                                            DecoderOptions{parts.options.limits.max_model_len, {}},
                                            [](std::int64_t, std::int64_t) {});
  parts.text = tiny_text();
  parts.vocab_size = checkpoint.config().vocab_size;
  return std::make_unique<Engine>(std::move(parts));
}

// Penalties, stop strings, logprobs, several choices, prompts with logprobs: all at once in a pool
// so small that sequences are preempted with rows in flight.
std::vector<Request> mixed_requests() {
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

std::vector<Answer> run_all(std::int32_t lag, std::uint64_t& n_preemptions) {
  EngineOptions options = small_options();
  options.kv.n_blocks = 20;
  options.limits.max_num_batched_tokens = 24;
  const std::unique_ptr<Engine> engine = open_lagging(lag, options);
  std::vector<Request> requests = mixed_requests();
  std::vector<std::shared_ptr<RequestStream>> streams;
  for (const Request& request : requests) streams.push_back(engine->submit(request));
  std::vector<Answer> answers;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    for (Answer& answer : read_all(*streams[i], requests[i].n)) answers.push_back(answer);
  }
  n_preemptions += engine->metrics().n_preemptions.load();
  EXPECT_EQ(engine->metrics().n_free_blocks.load(), 20);
  return answers;
}

TEST(Lag, TextsAreEqualWithLag0And1And2) {
  std::uint64_t n_preemptions = 0;
  const std::vector<Answer> want = run_all(0, n_preemptions);
  for (const std::int32_t lag : {1, 2}) {
    const std::vector<Answer> got = run_all(lag, n_preemptions);
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      EXPECT_EQ(got[i].token_ids, want[i].token_ids) << "answer " << i << ", lag " << lag;
      EXPECT_EQ(got[i].finish_reason, want[i].finish_reason) << "answer " << i << ", lag " << lag;
      EXPECT_EQ(got[i].prompt_logits, want[i].prompt_logits) << "answer " << i << ", lag " << lag;
      ASSERT_EQ(got[i].logprobs.size(), want[i].logprobs.size()) << i;
      for (std::size_t j = 0; j < want[i].logprobs.size(); ++j)
        EXPECT_EQ(got[i].logprobs[j].drawn.logprob, want[i].logprobs[j].drawn.logprob);
      EXPECT_EQ(got[i].prompt_logprobs.size(), want[i].prompt_logprobs.size()) << i;
    }
  }
  EXPECT_GT(n_preemptions, 0u);
}

// Whoever cancels in the middle gets a beginning of the text, and the engine goes on.
TEST(Lag, CancelsWithRowsInFlight) {
  const std::unique_ptr<Engine> engine = open_lagging(1, small_options());
  std::mt19937 random(5);
  for (int round = 0; round < 20; ++round) {
    const auto stream = engine->submit(greedy(random_prompt(10, 3), 60));
    for (unsigned i = random() % 20; i > 0; --i) stream->next();
    engine->cancel(stream);
    while (stream->next()) continue;
  }
  const Answer answer = read_all(*engine->submit(greedy(random_prompt(10, 3), 60))).front();
  EXPECT_EQ(answer.token_ids.size(), 60u);
  EXPECT_EQ(engine->metrics().n_free_blocks.load(), 64);
}

}  // namespace
}  // namespace tinyllm

// Texts do not depend on how far the backend works behind.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/engine_parts.h"
#include "engine/mixed_requests_test.h"
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

std::vector<Answer> run_all(std::int32_t lag, std::uint64_t& n_preemptions) {
  EngineOptions options = small_options();
  options.kv.n_blocks = 20;
  options.limits.max_num_batched_tokens = 24;
  const std::unique_ptr<Engine> engine = open_lagging(lag, options);
  const std::vector<Answer> answers = answer_all(*engine, mixed_requests());
  n_preemptions += engine->metrics().n_preemptions.load();
  EXPECT_EQ(engine->metrics().n_free_blocks.load(), 20);
  return answers;
}

TEST(Lag, TextsAreEqualWithLag0And1And2) {
  std::uint64_t n_preemptions = 0;
  const std::vector<Answer> want = run_all(0, n_preemptions);
  for (const std::int32_t lag : {1, 2}) {
    const std::vector<Answer> got = run_all(lag, n_preemptions);
    SCOPED_TRACE(fmt::format("lag {}", lag));
    expect_same(got, want);
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

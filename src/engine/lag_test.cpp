// Texts do not depend on how far the backend works behind.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "engine/drafting_engine_test.h"
#include "engine/mixed_requests_test.h"

namespace tinyllm {
namespace {

std::vector<Answer> run_all(std::int32_t lag, std::uint64_t& n_preemptions) {
  const std::unique_ptr<Engine> engine = open_drafting(crowded(), {}, lag);
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
  const std::unique_ptr<Engine> engine = open_drafting(small_options(), {}, 1);
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

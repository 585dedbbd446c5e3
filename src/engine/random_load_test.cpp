// 64 requests at once in a pool for a tenth of them. On SmolLM2: tests/golden/real_engine_test.cpp.

#include "engine/random_load_test.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "engine/tiny_engine_test.h"

namespace tinyllm {
namespace {

TEST(RandomLoad, EveryTextEqualsItsLoneRun) {
  RandomLoad load;
  load.prompt = [](std::int64_t n, std::mt19937& random) {
    return random_prompt(n, static_cast<unsigned>(random() % 4));  // beginnings are shared
  };
  const char* model = nullptr;
  load.open = [&](const EngineOptions& options) { return open(model, options, tiny_text()); };
  int n_cancelled = 0;  // over all rounds: in one of them every text may end before its cancel
  for (const unsigned seed : {1u, 2u, 3u, 4u}) {
    for (const std::int32_t block_size : {8, 16}) {
      model = seed == 4 ? "qwen2moe-f32-untied" : "qwen2-bf16-tied";
      load.seed = seed;
      load.options = small_options();
      load.options.kv.block_size = block_size;
      load.options.limits.max_num_batched_tokens = 96;
      load.options.n_threads = seed == 1 ? 2 : 1;
      const RandomLoadReport report = run_random_load(load);
      EXPECT_GE(report.n_finished, 32);
      n_cancelled += report.n_cancelled;
      EXPECT_GE(report.n_stops_across_tokens, 8);
      EXPECT_GT(report.n_preemptions, 0u);
      EXPECT_LE(report.n_blocks * 10, report.n_blocks_wanted);
    }
  }
  EXPECT_GE(n_cancelled, 1);
}

// Short requests never cease to arrive; a long one in the same line still gets through.
TEST(RandomLoad, NobodyStarves) {
  for (const SchedulePolicy policy :
       {SchedulePolicy::first_come_first_served, SchedulePolicy::priority}) {
    EngineOptions options = small_options();
    options.kv.n_blocks = 18;                // 288 tokens: the long one alone fills most of it
    options.speculation = Speculation::off;  // steps are counted
    options.policy = policy;
    const std::unique_ptr<Engine> engine = open("qwen2-bf16-tied", options);
    std::atomic<bool> enough = false;
    std::atomic<unsigned> seed = 0;
    const auto keep_coming = [&] {
      while (!enough) read_all(*engine->submit(greedy(random_prompt(20, seed++), 8)));
    };
    std::vector<std::thread> clients;
    for (int i = 0; i < 12; ++i) clients.emplace_back(keep_coming);
    while (engine->metrics().n_running.load() < 6) std::this_thread::yield();
    // Once more where the clients had no CPU time while the long one ran.
    unsigned n_passed_by = 0;
    for (unsigned i = 0; i < 20 && n_passed_by <= 8; ++i) {
      const std::uint64_t n_steps = engine->metrics().n_steps.load();
      const unsigned n_shorts = seed;
      const Answer answer =
          read_all(*engine->submit(greedy(random_prompt(200, 99 + i), 40))).front();
      // At most 12 stand before it and take 8 decodes and some prompt steps each, two rounds; then
      // its own 4 prompt steps and 40 decodes. Twice that, for what happens while it is submitted.
      EXPECT_LT(engine->metrics().n_steps.load() - n_steps, 200u);
      EXPECT_EQ(answer.token_ids.size(), 40u);
      n_passed_by = seed - n_shorts;
    }
    EXPECT_GT(n_passed_by, 8u) << "short ones kept coming";
    enough = true;
    for (std::thread& client : clients) client.join();
  }
}

}  // namespace
}  // namespace tinyllm

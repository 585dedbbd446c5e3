// An exception that escapes from a step ends the engine, and everybody is told.

#include <gtest/gtest.h>

#include <future>

#include "engine/failing_engine_test.h"

namespace tinyllm {
namespace {

TEST(EngineFailure, EveryStreamEndsWithAnErrorNowAndLater) {
  std::promise<void> failed;
  std::unique_ptr<Engine> engine = open_failing(5);
  engine->set_failure_listener([&] { failed.set_value(); });
  EXPECT_FALSE(engine->failed());
  EXPECT_EQ(engine->failure(), "");
  std::vector<std::shared_ptr<RequestStream>> streams;
  for (unsigned i = 0; i < 12; ++i) {  // some run, some wait: there are 8 rows
    Request request = greedy(random_prompt(20, i), 200);
    request.params.temperature = 0.5f;
    request.n = 1 + static_cast<int>(i % 2);
    streams.push_back(engine->submit(request));
  }
  const auto expect_errors = [&](RequestStream& stream) {
    int n_ended = 0;
    while (const std::optional<OutputPiece> piece = stream.next()) {
      if (piece->finish_reason == FinishReason::none) continue;
      ++n_ended;
      EXPECT_EQ(piece->finish_reason, FinishReason::error);
      EXPECT_EQ(piece->error, "the engine has stopped: std::bad_alloc");
    }
    return n_ended;
  };
  for (std::size_t i = 0; i < streams.size(); ++i)
    EXPECT_EQ(expect_errors(*streams[i]), 1 + static_cast<int>(i % 2)) << i;
  failed.get_future().get();
  EXPECT_TRUE(engine->failed());
  EXPECT_EQ(engine->failure(), "std::bad_alloc");
  EXPECT_EQ(engine->metrics().n_running.load(), 0);
  EXPECT_EQ(expect_errors(*engine->submit(greedy({1, 2, 3}, 4))), 1);  // later
  engine->cancel(streams[0]);                                          // no harm
  bool told = false;
  engine->set_failure_listener([&] { told = true; });  // who comes late is told at once
  EXPECT_TRUE(told);
  const auto last = engine->submit(greedy({1, 2, 3}, 4));
  engine.reset();
  EXPECT_EQ(expect_errors(*last), 1);
}

}  // namespace
}  // namespace tinyllm

#include "engine/request_stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <utility>

namespace tinyllm {
namespace {

OutputPiece piece(const char* text, FinishReason reason = FinishReason::none) {
  OutputPiece made;
  made.text = text;
  made.finish_reason = reason;
  return made;
}

void push(RequestStream& stream, OutputPiece one) {
  stream.add(std::move(one));
  stream.publish();
}

TEST(RequestStream, ListenerIsCalledOnceForEachTimeTheQueueFills) {
  RequestStream stream(1);
  push(stream, piece("a"));
  int n_calls = 0;
  stream.set_listener([&] { ++n_calls; });
  EXPECT_EQ(n_calls, 1);  // "a" was waiting
  push(stream, piece("b"));
  EXPECT_EQ(n_calls, 1);  // the queue was not empty: who was called takes "b" as well
  EXPECT_EQ(stream.try_next()->text, "a");
  EXPECT_EQ(stream.try_next()->text, "b");
  EXPECT_FALSE(stream.try_next());
  push(stream, piece("c", FinishReason::stop));
  EXPECT_EQ(n_calls, 2);
  EXPECT_FALSE(stream.done());
  EXPECT_EQ(stream.try_next()->text, "c");
  EXPECT_TRUE(stream.done());
}

TEST(RequestStream, TheReaderIsWokenOnceForAllThatAStepBrought) {
  RequestStream stream(2);
  int n_calls = 0;
  stream.set_listener([&] { ++n_calls; });
  EXPECT_TRUE(stream.add(piece("a")));
  EXPECT_FALSE(stream.add(piece("b")));
  EXPECT_FALSE(stream.add(piece("c", FinishReason::stop)));
  EXPECT_EQ(n_calls, 0);
  EXPECT_FALSE(stream.try_next()) << "nothing is told before the step is over";
  stream.publish();
  EXPECT_EQ(n_calls, 1);
  for (const char* text : {"a", "b", "c"}) EXPECT_EQ(stream.try_next()->text, text);
  EXPECT_FALSE(stream.try_next());
  EXPECT_TRUE(stream.add(piece("d", FinishReason::stop)));
  stream.publish();
  EXPECT_EQ(n_calls, 2);
}

TEST(RequestStream, NoPieceIsMissedBetweenThreads) {
  constexpr int kPieces = 20000;
  RequestStream stream(1);
  std::atomic<int> n_calls{0};
  std::thread producer([&] {
    for (int i = 1; i <= kPieces; ++i)
      push(stream, piece("x", i == kPieces ? FinishReason::length : FinishReason::none));
  });
  stream.set_listener([&] {
    ++n_calls;
    n_calls.notify_one();
  });
  int n_taken = 0;
  for (int n_seen = 0; !stream.done();) {
    n_calls.wait(n_seen);
    n_seen = n_calls;
    while (stream.try_next()) ++n_taken;
  }
  producer.join();
  EXPECT_EQ(n_taken, kPieces);
}

}  // namespace
}  // namespace tinyllm

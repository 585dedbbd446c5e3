#include "engine/request_stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace tinyllm {
namespace {

OutputPiece piece(const char* text, FinishReason reason = FinishReason::none) {
  OutputPiece made;
  made.text = text;
  made.finish_reason = reason;
  return made;
}

TEST(RequestStream, ListenerIsCalledOnceForEachTimeTheQueueFills) {
  RequestStream stream(1);
  stream.push(piece("a"));
  int n_calls = 0;
  stream.set_listener([&] { ++n_calls; });
  EXPECT_EQ(n_calls, 1);  // "a" was waiting
  stream.push(piece("b"));
  EXPECT_EQ(n_calls, 1);  // the queue was not empty: who was called takes "b" as well
  EXPECT_EQ(stream.try_next()->text, "a");
  EXPECT_EQ(stream.try_next()->text, "b");
  EXPECT_FALSE(stream.try_next());
  stream.push(piece("c", FinishReason::stop));
  EXPECT_EQ(n_calls, 2);
  EXPECT_FALSE(stream.done());
  EXPECT_EQ(stream.try_next()->text, "c");
  EXPECT_TRUE(stream.done());
}

TEST(RequestStream, NoPieceIsMissedBetweenThreads) {
  constexpr int kPieces = 20000;
  RequestStream stream(1);
  std::atomic<int> n_calls{0};
  std::thread producer([&] {
    for (int i = 1; i <= kPieces; ++i)
      stream.push(piece("x", i == kPieces ? FinishReason::length : FinishReason::none));
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

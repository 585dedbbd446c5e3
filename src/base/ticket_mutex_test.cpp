#include "base/ticket_mutex.h"

#include <gtest/gtest.h>

#include <mutex>
#include <thread>
#include <vector>

namespace tinyllm {
namespace {

TEST(TicketMutex, OneAtATime) {
  TicketMutex mutex;
  int n_inside = 0, n_turns = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int turn = 0; turn < 500; ++turn) {
        const std::scoped_lock lock(mutex);
        EXPECT_EQ(++n_inside, 1);
        ++n_turns;
        --n_inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(n_turns, 2000);
}

}  // namespace
}  // namespace tinyllm

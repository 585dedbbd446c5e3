#include "base/ticket_mutex.h"

#include <gtest/gtest.h>

#include <cstdint>
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

TEST(TicketMutex, WhoeverAsksAgainStandsBehindThoseWhoWait) {
  TicketMutex mutex;
  std::vector<int> order;  // guarded by it
  std::vector<std::thread> threads;
  mutex.lock();
  for (std::uint64_t i = 1; i <= 3; ++i) {
    threads.emplace_back([&, i] {
      const std::scoped_lock lock(mutex);
      order.push_back(static_cast<int>(i));
    });
    while (mutex.n_inside() <= i) std::this_thread::yield();
  }
  mutex.unlock();
  mutex.lock();
  order.push_back(0);
  mutex.unlock();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3, 0}));
}

}  // namespace
}  // namespace tinyllm

#include "base/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <numeric>

namespace tinyllm {
namespace {

// Two chunks that wait for each other: done only when two workers have one each.
void meet(ThreadPool& pool) {
  std::atomic<int> n_here{0};
  pool.parallel_for(2, 1, [&](std::int64_t, std::int64_t) {
    ++n_here;
    while (n_here < 2) std::this_thread::yield();
  });
}

TEST(ThreadPool, WritesOfEveryWorkerAreSeen) {
  for (const int n_workers : {1, 2, 3, 7}) {
    ThreadPool pool(n_workers);
    std::vector<int> sums(100, 0);
    for (int round = 0; round < 200; ++round) {
      pool.parallel_for(100, 3, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) ++sums[i];
      });
    }
    EXPECT_EQ(sums, std::vector<int>(100, 200));
  }
}

TEST(ThreadPool, ParallelForCoversEveryIndexOnce) {
  ThreadPool pool(3);
  for (const std::int64_t n : {0, 1, 5, 64, 1001}) {
    std::vector<int> visits(n, 0);
    pool.parallel_for(n, 7, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) ++visits[i];
    });
    EXPECT_EQ(visits, std::vector<int>(n, 1));
  }
}

TEST(ThreadPool, SleepingWorkersWakeUp) {
  ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    meet(pool);
  }
}

TEST(ThreadPool, ACallerThatSleepsIsWokenByTheLastChunk) {
  ThreadPool pool(2);
  std::atomic<bool> taken{false};
  int slept_ms = 0;
  pool.parallel_for(2, 1, [&](int worker_idx, std::int64_t, std::int64_t) {
    if (worker_idx == 0) {
      while (!taken) std::this_thread::yield();
    } else {
      taken = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      slept_ms += 5;
    }
  });
  EXPECT_GE(slept_ms, 5);
}

// What a busy machine does: the worker's core belongs to a thread that goes before it.
TEST(ThreadPool, AWorkerThatDoesNotComeIsNotWaitedFor) {
  ThreadPool pool(2);
  const int cpu = ::sched_getcpu();
  std::atomic<bool> done{false}, moved{false};
  std::thread neighbour([&] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    if (::sched_setaffinity(0, sizeof one, &one) != 0) ADD_FAILURE() << "cannot pin a thread";
    while (!done) {
    }
  });
  std::atomic<int> n_here{0};
  pool.parallel_for(2, 1, [&](int worker_idx, std::int64_t, std::int64_t) {
    if (worker_idx == 1) {
      cpu_set_t one;
      CPU_ZERO(&one);
      CPU_SET(cpu, &one);
      const sched_param none{};
      moved = ::sched_setaffinity(0, sizeof one, &one) == 0 &&
              ::sched_setscheduler(0, SCHED_IDLE, &none) == 0;
    }
    ++n_here;
    while (n_here < 2) std::this_thread::yield();
  });
  EXPECT_TRUE(moved);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 300; ++i) pool.parallel_for(8, 1, [](std::int64_t, std::int64_t) {});
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  done = true;
  neighbour.join();
  // An idle-priority thread gets a 300th of its core: 300 meetings would take many seconds.
  EXPECT_LT(seconds.count(), 2.0);
}

}  // namespace
}  // namespace tinyllm

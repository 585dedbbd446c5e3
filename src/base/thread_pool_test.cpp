#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <numeric>

namespace tinyllm {
namespace {

TEST(ThreadPool, EveryWorkerRunsOnceAndWritesAreSeen) {
  for (const int n_workers : {1, 2, 3, 7}) {
    ThreadPool pool(n_workers);
    std::vector<int> runs(static_cast<std::size_t>(n_workers), 0);
    for (int round = 0; round < 200; ++round) {
      pool.run([&](int worker_idx) { ++runs[static_cast<std::size_t>(worker_idx)]; });
    }
    EXPECT_EQ(runs, std::vector<int>(static_cast<std::size_t>(n_workers), 200));
  }
}

TEST(ThreadPool, ParallelForCoversEveryIndexOnce) {
  ThreadPool pool(3);
  for (const std::int64_t n : {0, 1, 5, 64, 1001}) {
    std::vector<int> visits(static_cast<std::size_t>(n), 0);
    pool.parallel_for(n, 7, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
    });
    EXPECT_EQ(visits, std::vector<int>(static_cast<std::size_t>(n), 1));
  }
}

TEST(ThreadPool, SleepingWorkersWakeUp) {
  ThreadPool pool(2);
  int sum = 0;
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    pool.run([&](int worker_idx) {
      if (worker_idx == 0) ++sum;
    });
  }
  EXPECT_EQ(sum, 3);
}

}  // namespace
}  // namespace tinyllm

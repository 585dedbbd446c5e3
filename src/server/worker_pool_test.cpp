#include "server/worker_pool.h"

#include <gtest/gtest.h>

#include <memory>
#include <semaphore>

namespace tinyllm {
namespace {

TEST(WorkerPool, DroppedWorkIsFreedAtOnceAndNeverRun) {
  std::binary_semaphore may_end{0}, is_over{0};
  const auto held = std::make_shared<int>(0);
  bool has_run = false;
  WorkerPool pool(1);
  pool.run(/*is_long=*/false, [&] { may_end.acquire(); });
  const std::uint64_t id = pool.run(/*is_long=*/true, [&has_run, held] { has_run = true; });
  EXPECT_EQ(held.use_count(), 2);
  pool.drop(id);
  EXPECT_EQ(held.use_count(), 1);
  pool.drop(id);  // twice changes nothing
  pool.run(/*is_long=*/true, [&] { is_over.release(); });
  may_end.release();
  is_over.acquire();
  EXPECT_FALSE(has_run);
}

}  // namespace
}  // namespace tinyllm

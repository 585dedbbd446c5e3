// The counter counts. (In a file of its own: where the compiler sees malloc behind operator new, it
// warns of every delete.)

#include <gtest/gtest.h>

#include <new>
#include <thread>

#include "base/allocation_counter_test.h"

namespace tinyllm {
namespace {

TEST(AllocationCounter, CountsEveryThreadAndAlignment) {
  std::int64_t before = n_allocations();
  ::operator delete(::operator new(8));
  EXPECT_EQ(n_allocations(), before + 1);
  before = n_allocations();
  const std::align_val_t line{64};
  ::operator delete(::operator new(64, line, std::nothrow), line);
  EXPECT_EQ(n_allocations(), before + 1);
  before = n_allocations();
  std::thread([] { ::operator delete(::operator new(8)); }).join();
  EXPECT_GE(n_allocations(), before + 2);  // the thread's own state too
}

}  // namespace
}  // namespace tinyllm

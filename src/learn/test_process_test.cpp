// Limits of the process that runs a learner's code.

#include "learn/test_process.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>

namespace tinyllm::learn {
namespace {

// In a process of its own: whether memory is limited there when `variable` is set.
[[noreturn]] void exit_with_limit(const char* variable) {
  if (variable != nullptr) ::setenv(variable, "1", 1);
  limit_this_process(60);
  rlimit memory{};
  ::getrlimit(RLIMIT_AS, &memory);
  ::_exit(memory.rlim_cur == RLIM_INFINITY ? 10 : 11);
}

TEST(LimitThisProcess, LeavesTheAddressSpaceToCudaAndAddressSanitizer) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_with_limit("TINYLLM_LESSON_DEVICE"), testing::ExitedWithCode(10), "");
  EXPECT_EXIT(exit_with_limit("TINYLLM_LESSON_EXACT"), testing::ExitedWithCode(10), "");
  EXPECT_EXIT(exit_with_limit(nullptr), testing::ExitedWithCode(11), "");
}

}  // namespace
}  // namespace tinyllm::learn

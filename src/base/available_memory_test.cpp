#include "base/available_memory.h"

#include <gtest/gtest.h>

namespace tinyllm {
namespace {

TEST(AvailableMemory, IsASensibleNumberOfBytes) {
  const std::int64_t n_bytes = available_memory_bytes();
  EXPECT_GT(n_bytes, std::int64_t{1} << 20);  // this test runs, so there is a megabyte
#if defined(__linux__)
  EXPECT_LT(n_bytes, std::int64_t{1} << 50);
#endif
}

}  // namespace
}  // namespace tinyllm

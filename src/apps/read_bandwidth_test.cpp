#include "apps/read_bandwidth.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace tinyllm {
namespace {

std::int64_t resident_bytes() {
  std::int64_t n_pages = 0, n_resident = 0;
  std::ifstream("/proc/self/statm") >> n_pages >> n_resident;
  return n_resident * ::sysconf(_SC_PAGESIZE);
}

TEST(BandwidthProbe, HoldsNoMemoryBetweenTwoTurns) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "NOT RUN: AddressSanitizer keeps what is freed";
#endif
  ThreadPool pool(2);
  const std::int64_t before = resident_bytes();
  BandwidthProbe probe(pool);
  for (int turn = 0; turn < 2; ++turn) {
    probe.read_for(0);
    EXPECT_LT(resident_bytes() - before, uncached_bytes() / 4);
  }
  EXPECT_GT(probe.bandwidth().sustained, 0);
  EXPECT_GE(probe.bandwidth().best, probe.bandwidth().sustained);
}

}  // namespace
}  // namespace tinyllm

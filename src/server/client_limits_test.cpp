#include "server/client_limits.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <vector>

#include "base/clock.h"
#include "openai/api_error.h"

namespace tinyllm {
namespace {

using Time = ClientLimits::Clock::time_point;
constexpr std::chrono::seconds kSecond{1};

bool enters(ClientLimits& limits, const char* client, Time now,
            std::vector<std::shared_ptr<void>>& kept) {
  try {
    kept.push_back(limits.enter(client, now));
    return true;
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 429);
    return false;
  }
}

TEST(ClientLimits, SoManyAtATimeForEachClient) {
  ClientLimits limits(2, 0);
  std::vector<std::shared_ptr<void>> of_ann, of_bob;
  EXPECT_TRUE(enters(limits, "ann", {}, of_ann));
  EXPECT_TRUE(enters(limits, "ann", {}, of_ann));
  EXPECT_FALSE(enters(limits, "ann", {}, of_ann));
  EXPECT_TRUE(enters(limits, "bob", {}, of_bob));
  of_ann.pop_back();
  EXPECT_TRUE(enters(limits, "ann", {}, of_ann));
}

TEST(ClientLimits, SoManyAMinuteForEachClient) {
  ClientLimits limits(0, 60);
  std::vector<std::shared_ptr<void>> kept;
  const Time start{std::chrono::hours(1)};
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(enters(limits, "ann", start, kept)) << i;
  EXPECT_FALSE(enters(limits, "ann", start, kept));
  EXPECT_TRUE(enters(limits, "bob", start, kept));
  EXPECT_TRUE(enters(limits, "ann", start + kSecond, kept));
  EXPECT_FALSE(enters(limits, "ann", start + kSecond, kept));
}

// Who has many addresses must not make the search for idle ones slow.
TEST(ClientLimits, ManyClientsCostNoMoreEach) {
  ClientLimits limits(0, 60);
  const Stopwatch clock;
  for (int i = 0; i < 100'000; ++i)
    limits.enter(fmt::format("2001:db8::{:x}", i), Time{std::chrono::hours(1)});
  EXPECT_LT(clock.seconds(), 20);  // a busy machine, a sanitizer; looking at all each time: minutes
}

TEST(ClientLimits, NoneWhereNoneIsSet) {
  ClientLimits limits(0, 0);
  EXPECT_EQ(limits.enter("ann"), nullptr);
}

}  // namespace
}  // namespace tinyllm

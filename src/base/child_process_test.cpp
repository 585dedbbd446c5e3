#include "base/child_process.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include "base/clock.h"

namespace tinyllm {
namespace {

ChildResult run_shell(const char* script) {
  return run_child({"sh", "-c", script}, {{"GREETING", "hello"}},
                   [](std::string_view) { return true; });
}

TEST(ChildProcessTest, KeepsOutputAndExitCode) {
  const ChildResult result = run_shell("echo $GREETING; echo world >&2; exit 3");
  EXPECT_EQ(result.output, "hello\nworld\n");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(run_shell("kill -9 $$").exit_code, 128 + 9);
  EXPECT_EQ(run_shell("kill -9 $$").signal, 9);
  EXPECT_EQ(run_shell("exit 137").exit_code, 137);
  EXPECT_EQ(run_shell("exit 137").signal, 0) << "it left by itself";
  EXPECT_EQ(run_child({"no-such-program"}, {}, [](std::string_view) { return true; }).exit_code,
            127);
}

ChildResult run_limited(const char* script) {
  return run_child({"sh", "-c", script}, {}, [](std::string_view) { return true; },
                   {.memory_bytes = std::uint64_t{1} << 30, .file_bytes = 1024});
}

TEST(ChildProcessTest, WritesNoMoreThanItMay) {
  EXPECT_NE(run_limited("t=$(mktemp); trap 'rm $t' EXIT; head -c 2000 /dev/zero > $t").exit_code,
            0);
  EXPECT_EQ(run_limited("t=$(mktemp); trap 'rm $t' EXIT; head -c 1000 /dev/zero > $t").exit_code,
            0);
}

#if defined(__aarch64__)
// An emulator of programs needs more memory than they do, and keeps such limits from the system.
bool keeps_limits_of_memory() {
  rlimit before{}, now{};
  ::getrlimit(RLIMIT_AS, &before);
  const rlimit wanted = {std::min<rlim_t>(before.rlim_max, rlim_t{1} << 46), before.rlim_max};
  ::setrlimit(RLIMIT_AS, &wanted);
  ::getrlimit(RLIMIT_AS, &now);
  ::setrlimit(RLIMIT_AS, &before);
  return now.rlim_cur == wanted.rlim_cur;
}
#endif

TEST(ChildProcessTest, TakesNoMoreMemoryThanItMay) {
#if defined(__aarch64__)
  if (!keeps_limits_of_memory())
    GTEST_SKIP() << "LACKS limits of memory: this is an emulator, which ignores them";
#endif
  EXPECT_EQ(run_limited("ulimit -v").output, "1048576\n");
}

TEST(ChildProcessTest, HasNoInputToWaitFor) {
  EXPECT_EQ(run_shell("read line || echo none").output, "none\n");
}

TEST(ChildProcessTest, KeepsTheEndOfALongOutput) {
  const ChildResult result = run_shell("head -c 5000000 /dev/zero | tr '\\0' x; echo end");
  EXPECT_LE(result.output.size(), std::size_t{2} << 20);
  EXPECT_TRUE(result.output.ends_with("xend\n"));
}

TEST(ChildProcessTest, DoesNotWaitForAGrandchildThatKeepsThePipe) {
  const Stopwatch clock;
  EXPECT_EQ(run_shell("sleep 30 & echo done").output, "done\n");
  EXPECT_LT(clock.seconds(), 5);
}

TEST(ChildProcessTest, WhatAProgramLeavesBehindEndsWithIt) {
  const ChildResult result = run_shell("sleep 300 >/dev/null 2>&1 & echo $!");
  const std::string status = "/proc/" + std::to_string(std::stoi(result.output)) + "/status";
  const auto is_running = [&] {
    std::ifstream file(status);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    return !text.empty() && text.find("State:\tZ") == std::string::npos;
  };
  const Stopwatch clock;
  while (is_running() && clock.seconds() < 5) ::poll(nullptr, 0, 10);
  EXPECT_FALSE(is_running());
}

TEST(ChildProcessTest, StopsAProgramThatIgnoresThePoliteSignal) {
  const Stopwatch clock;
  const ChildResult result = run_child({"sh", "-c", "trap '' TERM; echo up; sleep 30; sleep 30"},
                                       {}, [](std::string_view output) { return output.empty(); });
  EXPECT_TRUE(result.stopped);
  EXPECT_LT(clock.seconds(), 10);
}

TEST(ChildProcessTest, AnExceptionEndsTheProgramToo) {
  const Stopwatch clock;
  EXPECT_THROW(run_child({"sleep", "30"}, {},
                         [](std::string_view) -> bool { throw std::runtime_error("enough"); }),
               std::runtime_error);
  EXPECT_LT(clock.seconds(), 5);
}

}  // namespace
}  // namespace tinyllm

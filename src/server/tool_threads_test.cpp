#include "server/tool_threads.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <semaphore>
#include <thread>
#include <vector>

namespace tinyllm {
namespace {

using Clock = std::chrono::steady_clock;

// "fast" answers; "slow" waits until it is stopped, on a server of its own.
ToolBox box_of_two() {
  ToolBox box;
  box.add({.name = "fast",
           .description = "",
           .parameters = "{}",
           .call = [](const nlohmann::ordered_json&, function_ref<bool()>) {
             return ToolResult{"done"};
           }});
  box.add({.name = "slow",
           .description = "",
           .parameters = "{}",
           .call =
               [](const nlohmann::ordered_json&, function_ref<bool()> interrupted) {
                 while (!interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
                 return ToolResult{"stopped", true};
               },
           .server = "elsewhere"});
  return box;
}

struct Asked {
  std::shared_ptr<std::atomic<bool>> is_unwanted = std::make_shared<std::atomic<bool>>(false);
  std::binary_semaphore ended{0};
  ToolResult result;

  ToolJob job(const char* tool, std::chrono::milliseconds time) {
    return {.call = {"c", tool, "{}"},
            .max_result_bytes = 100,
            .deadline = Clock::now() + time,
            .is_unwanted = is_unwanted,
            .done = [this](ToolResult it) {
              result = std::move(it);
              ended.release();
            }};
  }
};

constexpr std::chrono::seconds kLong{60}, kSoon{10};

TEST(ToolThreads, ACallOfAnotherServerWaitsForNone) {
  const ToolBox box = box_of_two();
  Asked slow, fast, unknown;
  ToolThreads threads(box);
  threads.run(slow.job("slow", kLong));
  threads.run(fast.job("fast", kLong));
  threads.run(unknown.job("none", kLong));
  ASSERT_TRUE(fast.ended.try_acquire_for(kSoon));
  EXPECT_EQ(fast.result.text, "done");
  ASSERT_TRUE(unknown.ended.try_acquire_for(kSoon));
  EXPECT_TRUE(unknown.result.is_error);
  EXPECT_FALSE(slow.ended.try_acquire());
  threads.stop();  // stops it; nobody hears of it
  EXPECT_FALSE(slow.ended.try_acquire());
  threads.run(fast.job("fast", kLong));
  EXPECT_FALSE(fast.ended.try_acquire());
}

TEST(ToolThreads, ACallIsGivenUpInTimeAlsoWhereItOnlyWaited) {
  const ToolBox box = box_of_two();
  Asked first, second;
  ToolThreads threads(box);
  threads.run(first.job("slow", std::chrono::milliseconds(80)));
  threads.run(second.job("slow", std::chrono::milliseconds(40)));
  for (Asked* it : {&first, &second}) {
    ASSERT_TRUE(it->ended.try_acquire_for(kSoon));
    EXPECT_EQ(it->result.text, "there was no time left for this call, which was given up");
  }
}

TEST(ToolThreads, ACallThatNobodyWantsEndsAndTheNextRuns) {
  const ToolBox box = box_of_two();
  Asked left, waits, last;
  ToolThreads threads(box);
  threads.run(left.job("slow", kLong));
  threads.run(waits.job("slow", kLong));
  threads.run(last.job("slow", std::chrono::milliseconds(10)));
  *waits.is_unwanted = true;
  *left.is_unwanted = true;
  ASSERT_TRUE(last.ended.try_acquire_for(kSoon));
  EXPECT_FALSE(left.ended.try_acquire());
  EXPECT_FALSE(waits.ended.try_acquire());
}

TEST(ToolThreads, WhatWaitsForOneServerIsBounded) {
  const ToolBox box = box_of_two();
  Asked first, last;
  std::vector<std::unique_ptr<Asked>> waiting(ToolThreads::kMaxWaiting);
  ToolThreads threads(box);
  threads.run(first.job("slow", kLong));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // it runs now
  for (std::unique_ptr<Asked>& it : waiting) {
    it = std::make_unique<Asked>();
    threads.run(it->job("slow", kLong));
  }
  threads.run(last.job("slow", kLong));
  ASSERT_TRUE(last.ended.try_acquire_for(kSoon));
  EXPECT_EQ(last.result.text, "128 calls wait for this server already");
  threads.stop();
}

}  // namespace
}  // namespace tinyllm

#include "engine/step_trace.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "engine/tiny_engine_test.h"

namespace tinyllm {
namespace {

using nlohmann::json;

class Trace : public testing::Test {
 protected:
  ~Trace() override { std::filesystem::remove(path_); }

  // The file as Perfetto reads it: the closing bracket may be missing.
  json read(bool whole) const {
    std::string text = read_text_file(path_);
    EXPECT_EQ(text.ends_with("\n]\n"), whole);
    if (!whole) text += "]";
    return json::parse(text);
  }

  static std::vector<json> named(const json& events, const std::string& name) {
    std::vector<json> found;
    for (const json& event : events) {
      if (event["name"] == name) found.push_back(event);
    }
    return found;
  }

  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() /
      ("tinyllm-trace-" + std::to_string(::getpid()) + "-" +
       testing::UnitTest::GetInstance()->current_test_info()->name() + ".json");
};

TEST_F(Trace, AnEngineTellsItsStepsAndTexts) {
  EngineOptions options = small_options();
  options.trace = std::make_shared<StepTrace>(path_);
  std::unique_ptr<Engine> engine = open("qwen2-bf16-tied", options);
  options.trace.reset();
  Request request = greedy(random_prompt(70, 1), 5);
  request.name = "a \"name\" \\";
  read_all(*engine->submit(request));
  request.params.temperature = 1;
  request.name = "";
  request.n = 2;
  read_all(*engine->submit(request), 2);
  engine.reset();

  const json events = read(true);
  const std::vector<json> steps = named(events, "step");
  std::int64_t n_prefill = 0, n_decode = 0;
  double end = 0;
  for (const json& step : steps) {
    n_prefill += step["args"]["n_prefill"].get<std::int64_t>();
    n_decode += step["args"]["n_decode"].get<std::int64_t>();
    EXPECT_GE(step["ts"].get<double>(), end) << "steps do not overlap";
    end = step["ts"].get<double>() + step["dur"].get<double>();
  }
  EXPECT_EQ(n_prefill, 70 + 6 + 6);  // the second prompt's 64 first tokens are cached, twice
  EXPECT_EQ(n_decode, 3 * 4);
  EXPECT_EQ(named(events, "texts").back()["args"]["running"], 0);
  EXPECT_EQ(named(events, "KV blocks").back()["args"]["in use"], 0);
  for (const char* phase : {"queued", "prefill", "decode"}) {
    const std::vector<json> found = named(events, phase);
    ASSERT_EQ(found.size(), 6u) << phase;
    for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(found[i]["cat"], "text");
  }
  const std::vector<json> outer = named(events, "a \"name\" \\");
  ASSERT_EQ(outer.size(), 2u);
  EXPECT_EQ(outer[0]["ph"], "b");
  EXPECT_EQ(outer[1]["ph"], "e");
  EXPECT_EQ(outer[1]["args"],
            json::parse(R"({"finish": "length", "n_cached": 0, "n_generated": 5})"));
  EXPECT_EQ(named(events, "text 2").size(), 2u);
  EXPECT_EQ(named(events, "text 3 [1]").size(), 2u);
}

TEST_F(Trace, WhatIsWrittenIsReadableWithoutAnEnd) {
  StepTrace trace(path_);
  trace.queued(7, "killed", 0);
  trace.prefill(7, trace.now_us(), 3);
  for (int i = 0; i < 200 && std::filesystem::file_size(path_) == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_EQ(named(read(false), "prefill").size(), 1u);
}

TEST_F(Trace, AFullDiskEndsTracingWithWholeEvents) {
  std::signal(SIGXFSZ, SIG_IGN);  // as the program does
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  {
    StepTrace trace(path_);
    trace.step({.counts = {.step_id = 1}});
    for (int i = 0; i < 200 && std::filesystem::file_size(path_) == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const rlimit tight{1000, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &tight);
    for (std::uint64_t i = 2; i < 100; ++i) trace.step({.counts = {.step_id = i}});
  }
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(named(read(false), "step").size(), 1u);
}

TEST_F(Trace, AFolderIsNoFile) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path();
  EXPECT_THROW(StepTrace trace(folder), Error);
}

}  // namespace
}  // namespace tinyllm

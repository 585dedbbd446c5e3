// Windows and attention sinks against data/streaming.json (make_streaming_goldens.py), which keeps
// keys before RoPE and counts positions within the cache, as Xiao et al. 2023 write it.

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "engine/tiny_engine_test.h"
#include "loader/context_settings.h"
#include "reference/model.h"

namespace tinyllm {
namespace {

struct StreamingCase {
  std::string model;
  ContextSettings settings;
  std::vector<TokenId> token_ids;
  std::vector<std::int64_t> lengths;
  std::vector<std::vector<float>> logits;  // [length][vocab_size]
};

std::vector<StreamingCase> read_cases() {
  const std::string path = TINYLLM_SOURCE_DIR "/tests/golden/data/streaming.json";
  std::vector<StreamingCase> cases;
  for (const nlohmann::json& json : nlohmann::json::parse(read_text_file(path))) {
    cases.push_back({json.at("model"),
                     {.window = json.at("window"), .sinks = json.at("sinks"), .rope_scaling = {}},
                     json.at("token_ids"),
                     json.at("lengths"),
                     json.at("logits")});
  }
  return cases;
}

double relative_error(std::span<const float> got, const std::vector<float>& want) {
  if (got.size() != want.size()) return INFINITY;
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    difference += std::pow(double{got[i]} - double{want[i]}, 2);
    norm += std::pow(double{want[i]}, 2);
  }
  return std::sqrt(difference / norm);
}

TEST(Streaming, TheReferenceEqualsThePaper) {
  for (const StreamingCase& golden : read_cases()) {
    Checkpoint checkpoint = Checkpoint::open(tiny_model(golden.model));
    checkpoint.set_context(golden.settings);
    ThreadPool pool(2);
    reference::Model model(checkpoint, pool, 300);
    for (std::size_t i = 0; i < golden.lengths.size(); ++i) {
      const auto begin = static_cast<std::size_t>(model.n_computed());
      const auto logits =
          model.forward(std::span(golden.token_ids).subspan(begin, golden.lengths[i] - begin));
      EXPECT_LE(relative_error(logits, golden.logits[i]), 1e-4)
          << golden.model << ", window " << golden.settings.window << ", length "
          << golden.lengths[i];
    }
  }
}

// With few blocks, so that those before the window must be given back.
TEST(Streaming, TheEngineEqualsThePaper) {
  for (const StreamingCase& golden : read_cases()) {
    EngineOptions options = small_options();
    options.device.exact_float = true;
    options.context = golden.settings;
    options.limits.max_num_batched_tokens = 32;
    options.limits.max_model_len = 320;
    options.kv.n_blocks = 12;  // 192 positions
    const auto engine =
        open_engine(tiny_model(golden.model), options, [](std::int64_t, std::int64_t) {});
    EXPECT_EQ(engine->max_model_len(), 320);
    for (std::size_t i = 0; i < golden.lengths.size(); ++i) {
      const auto end = golden.token_ids.begin() + golden.lengths[i];
      const Answer answer =
          read_all(*engine->submit(greedy({golden.token_ids.begin(), end}, 1))).front();
      EXPECT_LE(relative_error(answer.prompt_logits, golden.logits[i]), 1e-3)
          << golden.model << ", window " << golden.settings.window << ", length "
          << golden.lengths[i];
    }
  }
}

}  // namespace
}  // namespace tinyllm

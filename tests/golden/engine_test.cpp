// The engine against the reference path on tiny models with float weights: logits within 1e-3, the
// same text. Where the CPU multiplies bf16 and activations are rounded for it, the logits are nearer
// to f32 than those of transformers in bf16 (make_bf16_errors.py).

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "engine/tiny_engine_test.h"
#include "reference/generate.h"

namespace tinyllm {
namespace {

constexpr const char* kTinyModels[] = {"llama-bf16-tied",
                                       "llama-f16-untied-linear-mlp-bias",
                                       "llama-f32-untied-llama3-bias",
                                       "mistral-f32-untied-window",
                                       "qwen2-bf16-tied",
                                       "qwen2-bf16-tied-upper-windows",
                                       "qwen2-f32-untied",
                                       "qwen3-bf16-tied-listed-windows",
                                       "qwen3-bf16-untied-yarn",
                                       "qwen3-f32-tied-yarn",
                                       "qwen2moe-f32-untied",
                                       "qwen3moe-bf16-tied"};

double relative_error(const std::vector<float>& got, const std::vector<float>& want) {
  EXPECT_EQ(got.size(), want.size());
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double delta = double{got[i]} - double{want[i]};
    difference += delta * delta;
    size += double{want[i]} * double{want[i]};
  }
  return std::sqrt(difference / size);
}

TEST(Engine, LogitsAndTextEqualTheReference) {
  for (const char* model : kTinyModels) {
    const Checkpoint checkpoint = Checkpoint::open(tiny_model(model));
    ThreadPool pool(1);
    reference::Model oracle(checkpoint, pool, 256);
    EngineOptions options = small_options();
    options.device.exact_float = true;
    const std::unique_ptr<Engine> engine = open(model, options);
    for (const std::int64_t n_prompt : {1, 15, 16, 33, 130}) {
      const Request request = greedy(random_prompt(n_prompt, static_cast<unsigned>(n_prompt)), 12);
      const reference::GenerateResult want = reference::generate(
          oracle, request.prompt_ids, request.params, {}, [](std::int32_t) { return true; });
      oracle.rewind(0);
      const Answer got = read_all(*engine->submit(request)).front();
      EXPECT_LE(relative_error(got.prompt_logits, want.prompt_logits), 1e-3)
          << model << ", " << n_prompt << " tokens";
      EXPECT_EQ(got.token_ids, want.token_ids) << model << ", " << n_prompt << " tokens";
      EXPECT_EQ(got.finish_reason, FinishReason::length);
    }
  }
}

TEST(Engine, RoundedActivationsAreNearerToFloatsThanTransformersInBf16) {
  const std::string data = TINYLLM_SOURCE_DIR "/tests/golden/data/";
  const auto bounds = nlohmann::json::parse(read_text_file(data + "bf16_errors.json"));
  for (const auto& [model, bound] : bounds.items()) {
    const auto golden =
        nlohmann::json::parse(read_text_file(data + "tiny/" + model + ".golden.json"));
    const auto lengths = golden.at("lengths").get<std::vector<std::int64_t>>();
    EngineOptions options = small_options();
    options.limits.max_model_len = lengths.back() + 1;
    const std::unique_ptr<Engine> engine = open(model, options);
    double sum = 0;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const auto ids = golden.at("token_ids").get<std::vector<TokenId>>();
      const Request request = greedy({ids.begin(), ids.begin() + lengths[i]}, 1);
      sum += relative_error(read_all(*engine->submit(request)).front().prompt_logits,
                            golden.at("logits")[i].get<std::vector<float>>());
    }
    const double mean = sum / static_cast<double>(lengths.size());
    EXPECT_LE(mean, bound.get<double>()) << model;
    std::printf("%s: %.2g, transformers in bf16 %.2g\n", model.c_str(), mean, bound.get<double>());
  }
}

}  // namespace
}  // namespace tinyllm

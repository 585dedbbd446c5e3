// The engine against the reference path on tiny models
// with float weights: logits within 1e-3, the same text.

#include <gtest/gtest.h>

#include <cmath>

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

TEST(Engine, LogitsAndTextEqualTheReference) {
  for (const char* model : kTinyModels) {
    const Checkpoint checkpoint = Checkpoint::open(tiny_model(model));
    ThreadPool pool(1);
    reference::Model oracle(checkpoint, pool, 256);
    const std::unique_ptr<Engine> engine = open(model, small_options());
    for (const std::int64_t n_prompt : {1, 15, 16, 33, 130}) {
      const Request request = greedy(random_prompt(n_prompt, static_cast<unsigned>(n_prompt)), 12);
      const reference::GenerateResult want = reference::generate(
          oracle, request.prompt_ids, request.params, {}, [](std::int32_t) { return true; });
      oracle.rewind(0);
      const Answer got = read_all(*engine->submit(request)).front();
      double difference = 0, size = 0;
      for (std::size_t i = 0; i < want.prompt_logits.size(); ++i) {
        const double delta = double{got.prompt_logits[i]} - double{want.prompt_logits[i]};
        difference += delta * delta;
        size += double{want.prompt_logits[i]} * double{want.prompt_logits[i]};
      }
      EXPECT_LE(std::sqrt(difference / size), 1e-3) << model << ", " << n_prompt << " tokens";
      EXPECT_EQ(got.token_ids, want.token_ids) << model << ", " << n_prompt << " tokens";
      EXPECT_EQ(got.finish_reason, FinishReason::length);
    }
  }
}

}  // namespace
}  // namespace tinyllm

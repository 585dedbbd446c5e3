// What --profile counts, on a whole engine: nothing of a step is lost, nothing counted twice.

#include "api/step_profile.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <string>

#include "engine/tiny_engine_test.h"

namespace tinyllm {
namespace {

using Kind = StepProfile::Kind;

// Seconds between the first and the last token of an answer, on the engine's own clock, and how
// many steps lie between.
struct Span {
  double seconds = 0;
  std::int64_t n_steps = -1;
};

Span run(Engine& engine, int n_prompt, int n_gen) {
  const auto stream = engine.submit(greedy(random_prompt(n_prompt, 1), n_gen));
  std::chrono::steady_clock::time_point first, last;
  Span span;
  while (const auto piece = stream->next()) {
    if (piece->token_ids.empty()) continue;
    last = piece->time;
    if (++span.n_steps == 0) first = last;
  }
  span.seconds = std::chrono::duration<double>(last - first).count();
  return span;
}

// Between two tokens there is all of a step but the queue, a microsecond, unless the thread loses
// its core just there: the best of some runs counts.
TEST(StepProfile, PartsAddUpToTheTimeBetweenTokens) {
  double nearest = 0;
  for (int i = 0; i < 20 && std::abs(nearest - 1) > 0.05; ++i) {
    const auto profile = std::make_shared<StepProfile>();
    EngineOptions options = small_options();
    options.profile = profile;
    options.speculation = Speculation::off;  // a step a token
    auto engine = open("qwen2-bf16-tied", options);
    const Span span = run(*engine, 40, 200);
    engine.reset();

    const StepProfile::Sums& decode = profile->sums(Kind::decode);
    ASSERT_EQ(decode.n_steps, 199);
    ASSERT_EQ(decode.n_tokens, 199);
    ASSERT_EQ(profile->sums(Kind::prefill).n_tokens, 40);
    ASSERT_EQ(profile->sums(Kind::decode_together).n_steps, 0);
    for (const StepPart part :
         {StepPart::embedding, StepPart::norm, StepPart::qkv, StepPart::rope, StepPart::attention,
          StepPart::o_proj, StepPart::gate_up, StepPart::down_proj, StepPart::head,
          StepPart::sampling, StepPart::rest}) {
      ASSERT_GT(decode.parts[static_cast<std::size_t>(part)].seconds, 0) << name(part);
    }
    ASSERT_GT(decode.parts[static_cast<std::size_t>(StepPart::qkv)].bytes, 0);
    const double ratio = decode.seconds() / span.seconds;
    if (std::abs(ratio - 1) < std::abs(nearest - 1)) nearest = ratio;
  }
  EXPECT_NEAR(nearest, 1.0, 0.05);
}

TEST(StepProfile, NamesComeInTheOrderOfAStep) {
  std::string names;
  for (std::size_t i = 0; i < kNumStepParts; ++i) {
    names += std::string(name(static_cast<StepPart>(i))) + ", ";
  }
  EXPECT_EQ(names,
            "embedding, norm, q k v, rope, attention, o, gate up, down, head, sampling, "
            "waiting, rest, ");
}

TEST(StepProfile, WaitingIsTakenOutOfTheOperation) {
  StepProfile profile;
  profile.begin();
  profile.set_batch(2, 1);
  profile.mark(StepPart::head, 1e6);  // more than there is
  profile.end();
  const StepProfile::Sums& sums = profile.sums(Kind::prefill);
  EXPECT_EQ(sums.parts[static_cast<std::size_t>(StepPart::head)].seconds, 0);
  EXPECT_GT(sums.parts[static_cast<std::size_t>(StepPart::waiting)].seconds, 0);
  profile.begin();
  profile.end();  // no batch: nothing ran
  EXPECT_EQ(profile.sums(Kind::prefill).n_steps, 1);
}

TEST(StepProfile, CountsTheTokensOfEachExpert) {
  const auto profile = std::make_shared<StepProfile>();
  EngineOptions options = small_options();
  options.profile = profile;
  options.speculation = Speculation::off;
  auto engine = open("qwen2moe-f32-untied", options);
  run(*engine, 40, 20);
  engine.reset();
  const auto& layers = profile->expert_tokens();
  constexpr std::int64_t kTokens = 40 + 19;  // the last token is not computed
  ASSERT_EQ(layers.size(), 3u);
  EXPECT_TRUE(layers[1].empty()) << "an ordinary layer";
  for (const std::size_t layer : {0u, 2u}) {
    ASSERT_EQ(layers[layer].size(), 7u) << "6 experts and the shared one";
    EXPECT_EQ(layers[layer][6], kTokens);
    const auto n_routed = std::accumulate(layers[layer].begin(), layers[layer].end() - 1, 0L);
    EXPECT_EQ(n_routed, 2 * kTokens);
  }
}

}  // namespace
}  // namespace tinyllm

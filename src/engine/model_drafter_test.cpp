// Texts do not depend on a draft model: one that is always right, one that is nearly always wrong.

#include "engine/model_drafter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/drafting_engine_test.h"
#include "engine/mixed_requests_test.h"
#include "engine/random_load_test.h"

namespace tinyllm {
namespace {

constexpr const char* kSame = "qwen2-bf16-tied";  // the model itself
constexpr const char* kOther = "llama-bf16-tied";

MakeDrafter liar(const Answers& known, unsigned seed) {
  return [&known, seed] { return std::make_unique<ReplayDrafter>(known, seed); };
}

// Preemption with drafts in flight, penalties, stop strings, several choices, a pool that is nearly
// full; the second time the prompts come from the prefix cache.
TEST(ModelDrafter, TextsAreEqual) {
  const std::vector<Request> requests = mixed_requests();
  const std::vector<Answer> want = answer_all(*open_drafting(crowded(), {}), requests);
  const Answers known = by_prompt(requests, want);
  std::uint64_t n_preemptions = 0;
  for (const std::int32_t lag : {0, 1, 2}) {
    for (const char* model : {kSame, kOther}) {
      for (const bool lies : {false, true}) {
        SCOPED_TRACE(fmt::format("lag {}, {}, {}", lag, model, lies));
        const auto engine =
            open_with_draft_model(crowded(), model, lag, lies ? liar(known, 3) : MakeDrafter());
        expect_same(answer_all(*engine, requests), want);
        expect_same(answer_all(*engine, requests), want);
        EXPECT_GT(engine->metrics().n_draft_tokens.load(), 100u);
        EXPECT_EQ(engine->metrics().n_free_blocks.load(), 20);
        n_preemptions += engine->metrics().n_preemptions.load();
      }
    }
  }
  EXPECT_GT(n_preemptions, 0u);
}

TEST(ModelDrafter, EveryTextOfARandomLoadEqualsItsLoneRun) {
  std::uint64_t n_preemptions = 0;
  for (const unsigned seed : {21u, 22u}) {
    RandomLoad load;
    load.seed = seed;
    load.prompt = [](std::int64_t n, std::mt19937& random) {
      return random_prompt(n, static_cast<unsigned>(random() % 4));
    };
    load.options = small_options();
    load.options.limits.max_num_batched_tokens = 96;
    bool is_lone = true;
    load.open = [&](const EngineOptions& options) {
      if (std::exchange(is_lone, false)) return open_drafting(options, {});
      return open_with_draft_model(options, seed == 21u ? kSame : kOther, seed == 21u ? 0 : 1);
    };
    const RandomLoadReport report = run_random_load(load);
    EXPECT_GE(report.n_finished, 32);
    EXPECT_GE(report.n_stops_across_tokens, 8);
    n_preemptions += report.n_preemptions;
  }
  EXPECT_GT(n_preemptions, 0u);
}

// A model that drafts for itself is always right: greedy, drawn, and drawn with penalties. So its
// rows, its positions and its draws are those of the model itself, at every block's end, too.
TEST(ModelDrafter, AModelAgreesWithItself) {
  for (const int kind : {0, 1, 2}) {
    SCOPED_TRACE(kind);
    Request request = greedy(random_prompt(37, 1), 180);
    request.params.temperature = kind == 0 ? 0.0f : 0.9f;
    request.params.top_k = kind == 0 ? 0 : 20;
    request.params.seed = 5;
    if (kind == 2) request.params.repetition_penalty = 1.2f;
    if (kind == 2) request.params.frequency_penalty = 0.3f;
    const Answer want = read_all(*open_drafting(small_options(), {})->submit(request)).front();
    const auto engine = open_with_draft_model(small_options(), kSame);
    EXPECT_EQ(read_all(*engine->submit(request)).front().token_ids, want.token_ids);
    const EngineMetrics& metrics = engine->metrics();
    EXPECT_EQ(metrics.n_accepted_tokens.load(), metrics.n_draft_tokens.load());
    // The prompt and the first token; then 179 tokens, 17 a step.
    EXPECT_EQ(metrics.n_steps.load(), 1u + 11u);
  }
}

// What is wrong with a draft model is said when the engine is opened.
class OpenDraftModelTest : public testing::Test {
 protected:
  static std::string failure(const EngineOptions& options,
                             std::shared_ptr<const ModelText> text = tiny_text()) {
    try {
      open(kSame, options, std::move(text));
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
};

TEST_F(OpenDraftModelTest, BadInputIsRefused) {
  EngineOptions options = small_options();
  const auto expect = [&](const std::string& part) {
    const std::string message = failure(options, std::make_shared<const ModelText>());
    EXPECT_NE(message.find(part), std::string::npos) << message;
  };
  options.speculation = Speculation::model;
  expect("--speculate model needs --draft-model");
  options.draft_model = tiny_model(kOther).string();
  options.speculation = Speculation::suffix;
  expect("--draft-model works with --speculate auto or model only");
  options.speculation = Speculation::off;
  expect("--draft-model works with --speculate auto or model only");
  options.speculation = Speculation::automatic;
  options.draft_model = (tiny_model(kOther) / "none").string();
  expect("none");
  options.draft_model = "random:qwen2.5-0.5b-1l:q4_0";
  expect("has 151936 tokens, not 67; a draft model needs the vocabulary");
  options.draft_model = tiny_model(kOther).string();
  options.limits.max_model_len = 513;
  expect("drafts within 512 tokens, the context has 513; lower --context");
  options.limits.max_model_len = 512;
  options.kv.n_blocks = 1 << 28;
  expect("the KV cache of 268435456 blocks");
  options.kv.n_blocks = 64;
  expect("no error");
}

// Both models' pages are counted.
TEST_F(OpenDraftModelTest, BlocksHoldRowsOfBoth) {
  EngineOptions options = small_options();
  const auto alone = open(kSame, options);
  options.draft_model = tiny_model(kSame).string();
  EXPECT_EQ(open(kSame, options)->kv_bytes(), 2 * alone->kv_bytes());
}

}  // namespace
}  // namespace tinyllm

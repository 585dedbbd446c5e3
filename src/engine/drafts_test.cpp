// Texts do not depend on drafts: right ones, wrong ones, and ones that make no sense.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/drafting_engine_test.h"
#include "engine/mixed_requests_test.h"
#include "engine/random_load_test.h"
#include "speculative/suffix_drafter.h"

namespace tinyllm {
namespace {

TEST(Drafts, TextsAreEqualWithDraftsOfAnyKind) {
  const std::vector<Request> requests = mixed_requests();
  const std::vector<Answer> want = answer_all(*open_drafting(crowded(), {}), requests);
  const Answers known = by_prompt(requests, want);
  std::uint64_t n_preemptions = 0;
  for (const std::int32_t lag : {0, 1, 2}) {
    for (unsigned seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE(fmt::format("lag {}, seed {}", lag, seed));
      MakeDrafter make = [&] { return std::make_unique<ReplayDrafter>(known, seed); };
      if (seed == 0) make = [] { return std::make_unique<SuffixDrafter>(); };
      const std::unique_ptr<Engine> engine = open_drafting(crowded(), make, lag);
      expect_same(answer_all(*engine, requests), want);
      expect_same(answer_all(*engine, requests), want);  // with a prefix cache and finished texts
      const EngineMetrics& metrics = engine->metrics();
      EXPECT_GT(metrics.n_accepted_tokens.load(), 20u);
      EXPECT_GT(metrics.n_draft_tokens.load(), metrics.n_accepted_tokens.load());
      EXPECT_EQ(metrics.n_free_blocks.load(), 20);
      n_preemptions += metrics.n_preemptions.load();
    }
  }
  EXPECT_GT(n_preemptions, 0u);
}

// Stop strings across accepted tokens, cancels, penalties, a pool for a tenth of the load.
TEST(Drafts, EveryTextOfARandomLoadEqualsItsLoneRun) {
  RandomLoad load;
  load.prompt = [](std::int64_t n, std::mt19937& random) {
    return random_prompt(n, static_cast<unsigned>(random() % 4));
  };
  for (const unsigned seed : {11u, 12u}) {
    load.seed = seed;
    load.options = small_options();
    load.options.limits.max_num_batched_tokens = 96;
    bool is_lone = true;
    load.open = [&](const EngineOptions& options) {
      const MakeDrafter make = [] { return std::make_unique<SuffixDrafter>(); };
      return open_drafting(options, std::exchange(is_lone, false) ? MakeDrafter() : make,
                           seed == 12u ? 1 : 0);
    };
    const RandomLoadReport report = run_random_load(load);
    EXPECT_GE(report.n_finished, 32);
    EXPECT_GE(report.n_stops_across_tokens, 8);
    EXPECT_GT(report.n_preemptions, 0u);
  }
}

// Right drafts save steps: a text that is known takes a step for 1 + 16 tokens.
TEST(Drafts, AcceptedDraftsSaveSteps) {
  const Request request = greedy(random_prompt(10, 1), 100);
  const Answer want = read_all(*open_drafting(small_options(), {})->submit(request)).front();
  class Honest : public TextDrafter {
   public:
    explicit Honest(std::vector<TokenId> answer) : answer_(std::move(answer)) {}
    void propose(const Sequence& sequence, std::int64_t n_most,
                 std::vector<Draft>& drafts) override {
      for (auto i = std::ssize(sequence.output_ids()); i < std::ssize(answer_) && n_most-- > 0; ++i)
        drafts.push_back({answer_[static_cast<std::size_t>(i)], 0.99f});
    }

   private:
    std::vector<TokenId> answer_;
  };
  const std::unique_ptr<Engine> engine =
      open_drafting(small_options(), [&] { return std::make_unique<Honest>(want.token_ids); });
  EXPECT_EQ(read_all(*engine->submit(request)).front().token_ids, want.token_ids);
  // The prompt and the first token; then 99 tokens, 17 a step.
  EXPECT_EQ(engine->metrics().n_steps.load(), 1u + 6u);
  EXPECT_EQ(engine->metrics().n_accepted_tokens.load(), 93u);
}

}  // namespace
}  // namespace tinyllm

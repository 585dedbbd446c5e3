// Ten thousand requests of any mix with drafts, each compared with its lone run without: prompts that
// begin alike, stop strings, penalties, log-probabilities, grammars, cancels, a pool for a tenth of the
// load, and a backend that works up to two steps behind.

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <array>
#include <utility>

#include "engine/drafting_engine_test.h"
#include "engine/random_load_test.h"
#include "engine/tiny_constraints_test.h"
#include "real_models_test.h"
#include "speculative/suffix_drafter.h"

namespace tinyllm {
namespace {

// Who drafts beside the grammars: earlier text, the model itself, another model.
std::unique_ptr<Engine> open_round(const EngineOptions& options, int round) {
  const std::int32_t lag = round / 4 % 3;
  const MakeDrafter suffix = [] { return std::make_unique<SuffixDrafter>(); };
  switch (round % 4) {
    case 0: return open_drafting(options, suffix, lag, text_with_end());
    case 1: return open_with_draft_model(options, "qwen2-bf16-tied", lag, {}, text_with_end());
    case 2: return open_with_draft_model(options, "llama-bf16-tied", lag, {}, text_with_end());
    default: return open_with_draft_model(options, "llama-bf16-tied", lag, suffix, text_with_end());
  }
}

TEST(Drafts, TenThousandRequestsGiveTheTextsOfTheirLoneRuns) {
  if (level_wanted() < TestLevel::all)
    GTEST_SKIP() << "NOT RUN: takes half a minute; set TINYLLM_ALL=1 (./tiny test --all does)";
  int n_compared = 0, n_finished = 0;
  std::uint64_t n_preemptions = 0;
  std::array<std::uint64_t, 4> n_accepted{};  // drafts, by who drafts
  for (int round = 0; n_compared < 10'000 && !testing::Test::HasFailure(); ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    RandomLoad load;
    load.seed = 1000 + static_cast<unsigned>(round);
    load.prompt = [](std::int64_t n, std::mt19937& random) {
      return random_prompt(n, static_cast<unsigned>(random() % 4));
    };
    if (round % 2 == 1) {
      load.constraint = [](std::mt19937& random) {
        return constraints()[random() % constraints().size()];
      };
    }
    load.options = small_options();
    load.options.kv.block_size = round % 3 == 0 ? 8 : 16;
    load.options.limits.max_num_batched_tokens = round % 5 == 0 ? 64 : 96;
    bool is_lone = true;
    load.open = [&](const EngineOptions& options) {
      if (std::exchange(is_lone, false)) return open_drafting(options, {}, 0, text_with_end());
      return open_round(options, round);
    };
    const RandomLoadReport report = run_random_load(load);
    n_compared += report.n_finished + report.n_cancelled;
    n_finished += report.n_finished;
    n_preemptions += report.n_preemptions;
    n_accepted[static_cast<std::size_t>(round) % n_accepted.size()] += report.n_accepted_drafts;
  }
  fmt::print("{} requests, {} of them to their end, {} preemptions, drafts accepted: {}\n",
             n_compared, n_finished, n_preemptions, fmt::join(n_accepted, ", "));
  EXPECT_GE(n_finished, 8'000);
  EXPECT_GT(n_preemptions, 0u);
  for (const std::uint64_t n : n_accepted) EXPECT_GT(n, 0u);
}

}  // namespace
}  // namespace tinyllm

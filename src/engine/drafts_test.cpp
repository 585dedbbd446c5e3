// Texts do not depend on drafts: right ones, wrong ones, and ones that make no sense.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>

#include "engine/engine_parts.h"
#include "engine/mixed_requests_test.h"
#include "engine/random_load_test.h"
#include "kernels/lagging_backend_test.h"
#include "kernels/make/make_backend.h"
#include "speculative/suffix_drafter.h"

namespace tinyllm {
namespace {

// Answers by prompt; several where a request had several choices.
using Answers = std::multimap<std::vector<TokenId>, std::vector<TokenId>>;
using MakeDrafter = std::function<std::unique_ptr<Drafter>()>;

constexpr std::int64_t kVocab = 67;

std::unique_ptr<Engine> open_drafting(const EngineOptions& options, const MakeDrafter& make,
                                      std::int32_t lag = 0) {
  const Checkpoint checkpoint = Checkpoint::open(tiny_model("qwen2-bf16-tied"));
  Engine::Parts parts;
  parts.options = options;
  parts.pool = std::make_unique<ThreadPool>(2);
  parts.backend = make_backend(*parts.pool);
  if (lag > 0) parts.backend = std::make_unique<LaggingBackend>(std::move(parts.backend), lag, 1u);
  parts.decoder = std::make_unique<Decoder>(checkpoint, *parts.backend, *parts.pool,
                                            DecoderOptions{options.limits.max_model_len, {}},
                                            [](std::int64_t, std::int64_t) {});
  parts.text = tiny_text();
  parts.vocab_size = checkpoint.config().vocab_size;
  EXPECT_EQ(parts.vocab_size, kVocab);
  if (make) {
    std::vector<std::unique_ptr<Drafter>> drafters;
    drafters.push_back(make());
    parts.speculator = std::make_unique<Speculator>(std::move(drafters), kVocab, true);
  }
  return std::make_unique<Engine>(std::move(parts));
}

// Knows the answers, and lies at times: a wrong token, an id that does not exist, or more tokens
// than it was asked for, past the end of the text and of the context.
class ReplayDrafter : public Drafter {
 public:
  ReplayDrafter(Answers answers, unsigned seed) : answers_(std::move(answers)), random_(seed) {}

  void propose(const Sequence& sequence, std::int64_t n_most, std::vector<Draft>& drafts) override {
    const auto prompt = sequence.prompt_ids(), output = sequence.output_ids();
    const auto [begin, end] = answers_.equal_range({prompt.begin(), prompt.end()});
    for (auto answer = begin; answer != end; ++answer) {
      const std::vector<TokenId>& ids = answer->second;
      if (ids.size() < output.size() || !std::equal(output.begin(), output.end(), ids.begin()))
        continue;
      for (std::size_t i = output.size(); i < ids.size(); ++i) drafts.push_back({ids[i], 0.9f});
      break;
    }
    while (random_() % 3 != 0) drafts.push_back({token(), 0.5f});
    if (!drafts.empty() && random_() % 3 == 0) drafts[random_() % drafts.size()].token_id = token();
    if (random_() % 2 == 0 && std::ssize(drafts) > n_most)
      drafts.resize(static_cast<std::size_t>(n_most));
  }

 private:
  TokenId token() {
    switch (random_() % 12) {
      case 0: return -1;
      case 1: return kVocab;
      case 2: return 2147483647;
      default: return static_cast<TokenId>(random_() % kVocab);
    }
  }

  Answers answers_;
  std::mt19937 random_;
};

EngineOptions crowded() {
  EngineOptions options = small_options();
  options.kv.n_blocks = 20;
  options.limits.max_num_batched_tokens = 24;
  return options;
}

TEST(Drafts, TextsAreEqualWithDraftsOfAnyKind) {
  const std::vector<Request> requests = mixed_requests();
  const std::vector<Answer> want = answer_all(*open_drafting(crowded(), {}), requests);
  Answers known;
  std::size_t n_answer = 0;
  for (const Request& request : requests) {
    for (int i = 0; i < request.n; ++i)
      known.emplace(request.prompt_ids, want[n_answer++].token_ids);
  }
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
  class Honest : public Drafter {
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

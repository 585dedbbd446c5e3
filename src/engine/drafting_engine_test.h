#pragma once
// Engines on a tiny model that work behind and draft, and a drafter that lies at times, for tests.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine_parts.h"
#include "engine/tiny_engine_test.h"
#include "kernels/lagging_backend_test.h"
#include "kernels/make/make_backend.h"
#include "speculative/drafter.h"

namespace tinyllm {

inline constexpr std::int64_t kTinyVocab = 67;

// Answers by prompt; several where a request had several choices.
using Answers = std::multimap<std::vector<TokenId>, std::vector<TokenId>>;
using MakeDrafter = std::function<std::unique_ptr<Drafter>()>;

// Parts of an engine whose backend works `lag` steps behind. All drafts are verified, whatever that
// costs, those of `make` first; it may be empty.
inline Engine::Parts drafting_parts(const EngineOptions& options, const MakeDrafter& make,
                                    std::int32_t lag, std::shared_ptr<const ModelText> text) {
  const Checkpoint checkpoint = Checkpoint::open(tiny_model("qwen2-bf16-tied"));
  Engine::Parts parts;
  parts.options = options;
  parts.pool = std::make_unique<ThreadPool>(2);
  parts.backend = make_backend(*parts.pool);
  if (lag > 0) parts.backend = std::make_unique<LaggingBackend>(std::move(parts.backend), lag, 1u);
  parts.decoder = std::make_unique<Decoder>(checkpoint, *parts.backend, *parts.pool,
                                            DecoderOptions{options.limits.max_model_len, {}},
                                            [](std::int64_t, std::int64_t) {});
  parts.text = std::move(text);
  parts.vocab_size = checkpoint.config().vocab_size;
  EXPECT_EQ(parts.vocab_size, kTinyVocab);
  std::vector<std::unique_ptr<Drafter>> drafters;
  if (make) drafters.push_back(make());
  parts.speculator = std::make_unique<Speculator>(std::move(drafters), kTinyVocab, true);
  return parts;
}

// `make` may be empty: no drafts.
inline std::unique_ptr<Engine> open_drafting(const EngineOptions& options, const MakeDrafter& make,
                                             std::int32_t lag = 0,
                                             std::shared_ptr<const ModelText> text = tiny_text()) {
  Engine::Parts parts = drafting_parts(options, make, lag, std::move(text));
  if (!make) parts.speculator.reset();
  return std::make_unique<Engine>(std::move(parts));
}

// A tiny model that drafts; its backend works `lag` steps behind.
inline std::unique_ptr<DraftModel> tiny_draft_model(const std::string& model, ThreadPool& pool,
                                                    std::int32_t max_model_len,
                                                    std::int32_t lag = 0) {
  auto draft = std::make_unique<DraftModel>();
  draft->name = model;
  draft->backend = make_backend(pool);
  if (lag > 0)
    draft->backend = std::make_unique<LaggingBackend>(std::move(draft->backend), lag, 2u);
  draft->decoder = std::make_unique<Decoder>(Checkpoint::open(tiny_model(model)), *draft->backend,
                                             pool, DecoderOptions{max_model_len, {}},
                                             [](std::int64_t, std::int64_t) {});
  return draft;
}

// A draft model of that name drafts whatever `make`'s drafter leaves. Both backends work `lag` steps
// behind.
inline std::unique_ptr<Engine> open_with_draft_model(
    const EngineOptions& options, const std::string& model, std::int32_t lag = 0,
    const MakeDrafter& make = {}, std::shared_ptr<const ModelText> text = tiny_text()) {
  Engine::Parts parts = drafting_parts(options, make, lag, std::move(text));
  parts.draft_model = tiny_draft_model(model, *parts.pool, options.limits.max_model_len, lag);
  parts.options.drafts_always = true;
  return std::make_unique<Engine>(std::move(parts));
}

// Knows the answers, and lies at times: a wrong token, an id that does not exist, or more tokens
// than it was asked for, past the end of the text and of the context.
class ReplayDrafter : public TextDrafter {
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
      case 1: return kTinyVocab;
      case 2: return 2147483647;
      default: return static_cast<TokenId>(random_() % kTinyVocab);
    }
  }

  Answers answers_;
  std::mt19937 random_;
};

// Too few blocks and too small a budget for what comes.
inline EngineOptions crowded() {
  EngineOptions options = small_options();
  options.kv.n_blocks = 20;
  options.limits.max_num_batched_tokens = 24;
  return options;
}

// By prompt, what the requests were answered.
inline Answers by_prompt(const std::vector<Request>& requests, const std::vector<Answer>& answers) {
  Answers known;
  std::size_t n_answer = 0;
  for (const Request& request : requests) {
    for (int i = 0; i < request.n; ++i)
      known.emplace(request.prompt_ids, answers[n_answer++].token_ids);
  }
  return known;
}

}  // namespace tinyllm

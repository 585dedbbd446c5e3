// Texts that follow a grammar: the same alone and in a crowd, with drafts and without, however far
// the backend works behind; each one a beginning of what the grammar takes, and whole where it ended.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/drafting_engine_test.h"
#include "engine/mixed_requests_test.h"
#include "engine/random_load_test.h"
#include "engine/tiny_constraints_test.h"
#include "grammar/matcher.h"
#include "speculative/suffix_drafter.h"

namespace tinyllm {
namespace {

std::string text_of(const std::vector<TokenId>& ids) {
  std::string text;
  for (const TokenId id : ids) text += tiny_spec().tokens[static_cast<std::size_t>(id)];
  return text;
}

std::vector<Request> constrained_requests() {
  std::vector<Request> requests = mixed_requests();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (i % 5 == 4) continue;
    requests[i].constraint = constraints()[i % constraints().size()];
    requests[i].params.ignore_eos = i % 2 == 0;
    if (i % 3 == 0) requests[i].params.stop_token_ids.clear();
    if (i % 7 == 0) requests[i].params.logit_bias = {{kEnd, 50.0f}, {0, 50.0f}, {3, -50.0f}};
  }
  return requests;
}

void expect_follows(const Request& request, const Answer& answer) {
  Matcher matcher(request.constraint->grammar);
  const std::string text = text_of(answer.token_ids);
  EXPECT_EQ(matcher.accept_bytes(text), text.size()) << text;
  EXPECT_TRUE(answer.finish_reason == FinishReason::stop ||
              answer.finish_reason == FinishReason::length);
  const bool ends_by_itself = request.params.stop.empty() && request.params.stop_token_ids.empty();
  if (answer.finish_reason == FinishReason::stop && ends_by_itself) {
    EXPECT_TRUE(matcher.may_end()) << text;
  }
}

std::vector<Answer> answer_each_alone(const std::vector<Request>& requests) {
  EngineOptions options = small_options();
  options.prefix_cache = false;
  const auto engine = open_drafting(options, {}, 0, text_with_end());
  std::vector<Answer> answers;
  for (const Request& request : requests) {
    for (Answer& answer : read_all(*engine->submit(request), request.n)) answers.push_back(answer);
  }
  return answers;
}

TEST(Constrained, TextsAreEqualAloneInACrowdAndWithDraftsOfAnyKind) {
  const std::vector<Request> requests = constrained_requests();
  const std::vector<Answer> want = answer_each_alone(requests);
  std::size_t n_answer = 0, n_ended = 0;
  for (const Request& request : requests) {
    for (int i = 0; i < request.n; ++i, ++n_answer) {
      if (request.constraint) expect_follows(request, want[n_answer]);
      n_ended += want[n_answer].finish_reason == FinishReason::stop ? 1 : 0;
    }
  }
  EXPECT_GT(n_ended, 5u);
  const Answers known = by_prompt(requests, want);
  std::uint64_t n_preemptions = 0;
  for (const std::int32_t lag : {0, 1, 2}) {
    for (unsigned seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE(fmt::format("lag {}, seed {}", lag, seed));
      MakeDrafter make = [&] { return std::make_unique<ReplayDrafter>(known, seed); };
      if (seed == 0) make = {};
      if (seed == 1) make = [] { return std::make_unique<SuffixDrafter>(); };
      const std::unique_ptr<Engine> engine = open_drafting(crowded(), make, lag, text_with_end());
      expect_same(answer_all(*engine, requests), want);
      expect_same(answer_all(*engine, requests), want);  // with a prefix cache and finished texts
      EXPECT_EQ(engine->metrics().n_free_blocks.load(), 20);
      EXPECT_EQ(engine->metrics().n_errors.load(), 0u);
      n_preemptions += engine->metrics().n_preemptions.load();
    }
  }
  EXPECT_GT(n_preemptions, 0u);
}

// Stop strings, cancels, penalties, a pool for a tenth of the load.
TEST(Constrained, EveryTextOfARandomLoadEqualsItsLoneRun) {
  RandomLoad load;
  load.prompt = [](std::int64_t n, std::mt19937& random) {
    return random_prompt(n, static_cast<unsigned>(random() % 4));
  };
  load.constraint = [](std::mt19937& random) {
    return constraints()[random() % constraints().size()];
  };
  std::uint64_t n_preemptions = 0;
  for (const unsigned seed : {21u, 22u, 23u}) {
    load.seed = seed;
    load.options = small_options();
    load.options.limits.max_num_batched_tokens = 96;
    bool is_lone = true;
    load.open = [&](const EngineOptions& options) {
      const MakeDrafter make = [] { return std::make_unique<SuffixDrafter>(); };
      return open_drafting(options, std::exchange(is_lone, false) ? MakeDrafter() : make,
                           seed == 22u ? 1 : 0, text_with_end());
    };
    const RandomLoadReport report = run_random_load(load);
    EXPECT_GE(report.n_finished, 32);
    n_preemptions += report.n_preemptions;
  }
  EXPECT_GT(n_preemptions, 0u);
}

// Nobody guesses anything, and still what the grammar forces is drafted and right.
TEST(Constrained, ForcedTokensAreDrafts) {
  class Silent : public TextDrafter {
    void propose(const Sequence&, std::int64_t, std::vector<Draft>&) override {}
  };
  Request request = greedy(random_prompt(5, 1), 100);
  request.constraint = constraint_of({GrammarKind::choice, "", {"abcdefghijklmnopqrst"}});
  const auto engine = open_drafting(small_options(), [] { return std::make_unique<Silent>(); });
  const Answer answer = read_all(*engine->submit(request)).front();
  EXPECT_EQ(text_of(answer.token_ids), "abcdefghijklmnopqrst");
  EXPECT_EQ(answer.finish_reason, FinishReason::stop);
  // 'a' with the prompt; then 1 + 16 tokens; then the last two. No step for an end token.
  EXPECT_EQ(engine->metrics().n_steps.load(), 3u);
  EXPECT_EQ(engine->metrics().n_accepted_tokens.load(), engine->metrics().n_draft_tokens.load());
}

// A model that drafts for itself knows the masks: every draft is right, at any temperature.
TEST(Constrained, TheDraftModelSeesTheMasks) {
  const std::vector<Request> requests = constrained_requests();
  const std::vector<Answer> want =
      answer_all(*open_drafting(crowded(), {}, 0, text_with_end()), requests);
  for (const std::int32_t lag : {0, 1}) {
    for (const char* model : {"qwen2-bf16-tied", "llama-f32-untied-llama3-bias"}) {
      const auto engine = open_with_draft_model(crowded(), model, lag, {}, text_with_end());
      expect_same(answer_all(*engine, requests), want);
      const auto n_drafts = engine->metrics().n_draft_tokens.load();
      EXPECT_GT(n_drafts, 100u);
      if (model == std::string("qwen2-bf16-tied")) {
        EXPECT_GT(engine->metrics().n_accepted_tokens.load(), n_drafts * 9 / 10);
      }
    }
  }
}

// min_tokens, ignore_eos and a ban of the only token that may come give way to the grammar.
TEST(Constrained, TheGrammarHasTheLastWord) {
  const auto engine = open_drafting(small_options(), {}, 0, text_with_end());
  Request request = greedy(random_prompt(5, 1), 50);
  request.constraint = constraint_of({GrammarKind::regex, "abc"});
  request.params.min_tokens = 20;
  Answer answer = read_all(*engine->submit(request)).front();
  EXPECT_EQ(text_of(answer.token_ids), "abc");
  EXPECT_EQ(answer.finish_reason, FinishReason::stop);

  request.params.stop_token_ids = {1};  // 'b', before min_tokens: banned, and the only one
  answer = read_all(*engine->submit(request)).front();
  EXPECT_EQ(text_of(answer.token_ids), "a");

  // An end is wanted by bias as soon as it may come, and may come only after min_tokens.
  request = greedy(random_prompt(5, 1), 50);
  request.params.ignore_eos = false;
  request.params.logit_bias = {{kEnd, 100.0f}};
  request.constraint = constraint_of({GrammarKind::regex, "[a-z]{2,}"});
  answer = read_all(*engine->submit(request)).front();
  EXPECT_EQ(text_of(answer.token_ids).size(), 2u);
  EXPECT_EQ(answer.finish_reason, FinishReason::stop);
  request.params.min_tokens = 7;
  EXPECT_EQ(read_all(*engine->submit(request)).front().token_ids.size(), 7u);
  request.params.ignore_eos = true;
  answer = read_all(*engine->submit(request)).front();
  EXPECT_EQ(answer.token_ids.size(), 50u);
  EXPECT_EQ(answer.finish_reason, FinishReason::length);
}

// A text that no token can write, and a grammar of another model: that request's error alone.
TEST(Constrained, WhatCannotGoOnIsAnErrorOfItsOwn) {
  const auto engine =
      open_drafting(small_options(), [] { return std::make_unique<SuffixDrafter>(); });
  Request request = greedy(random_prompt(5, 1), 20);
  const Answer want = read_all(*engine->submit(request)).front();
  Request impossible = request;
  impossible.constraint = constraint_of({GrammarKind::regex, "ab[A-Z]"});
  const auto neighbour = engine->submit(request);
  const auto stream = engine->submit(impossible);
  std::string error;
  std::vector<TokenId> ids;
  while (const auto piece = stream->next()) {
    ids.insert(ids.end(), piece->token_ids.begin(), piece->token_ids.end());
    error += piece->error;
  }
  EXPECT_EQ(text_of(ids), "ab");
  EXPECT_EQ(error, "the grammar wants a text that the model's tokens cannot write");
  EXPECT_EQ(read_all(*neighbour).front().token_ids, want.token_ids);

  VocabularyTokens other;
  other.bytes.assign(100, "x");
  request.constraint = std::make_shared<const TextConstraint>(TextConstraint{
      impossible.constraint->grammar, std::make_shared<const GrammarVocabulary>(std::move(other))});
  EXPECT_THROW(engine->submit(request), Error);
}

}  // namespace
}  // namespace tinyllm

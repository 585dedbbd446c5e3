// Budgets of thinking: what was thought stays as it was, its end comes in time, and the text is the
// same alone and in a crowd, with drafts and without, however far the backend works behind.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/drafting_engine_test.h"
#include "engine/mixed_requests_test.h"
#include "grammar/matcher.h"
#include "grammar/text_constraint.h"
#include "speculative/suffix_drafter.h"

namespace tinyllm {
namespace {

const std::vector<TokenId> kEnd = {23, 24, 25};  // "xyz"

std::string text_of(std::span<const TokenId> ids) {
  std::string text;
  for (const TokenId id : ids) text += tiny_spec().tokens[static_cast<std::size_t>(id)];
  return text;
}

ThinkingLimit limit_of(std::int64_t max_tokens, bool has_begun = true) {
  ThinkingLimit limit{.max_tokens = max_tokens,
                      .begins = {},
                      .ends = {{"xyz"}, {" q-"}},
                      .end_ids = kEnd,
                      .has_begun = has_begun};
  for (char c = 'a'; c <= 'm'; ++c) limit.begins.push_back({fmt::format(" {}-", c)});
  return limit;
}

// The texts of thoughts, then of the grammar.
std::shared_ptr<const TextConstraint> constraint_of(const std::string& regex, bool has_begun) {
  static const auto vocabulary = [] {
    VocabularyTokens tokens;
    tokens.bytes = tiny_spec().tokens;
    return std::make_shared<const GrammarVocabulary>(std::move(tokens));
  }();
  GrammarSource source{GrammarKind::regex, regex};
  GrammarThinking& thinking = source.thinking.emplace();
  for (const ThinkingMark& mark : limit_of(0).begins) thinking.begins.push_back(mark.text);
  thinking.ends = {"xyz", " q-"};
  thinking.has_begun = has_begun;
  return std::make_shared<const TextConstraint>(
      TextConstraint{Grammar::compile(source), vocabulary});
}

std::vector<Request> thinking_requests() {
  std::vector<Request> requests = mixed_requests();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Request& request = requests[i];
    if (i % 6 == 5) continue;
    const bool has_begun = i % 3 != 0;
    request.thinking = limit_of(static_cast<std::int64_t>(i % 8), has_begun);
    if (i % 4 == 2) request.constraint = constraint_of("[a-m]{3,40}", has_begun);
    if (i % 7 == 0) request.params.logit_bias = {{23, -100.0f}, {3, 5.0f}};
    if (i % 5 == 0) request.params.stop_token_ids = {24};  // a token of the end, and may be banned
  }
  return requests;
}

std::vector<Answer> alone_and_thinking(const std::vector<Request>& requests) {
  EngineOptions options = small_options();
  options.prefix_cache = false;
  const auto engine = open_drafting(options, {});
  std::vector<Answer> answers;
  for (const Request& request : requests) {
    for (Answer& answer : read_all(*engine->submit(request), request.n)) answers.push_back(answer);
  }
  return answers;
}

// As it is without a limit, up to a whole character at the limit; then the end.
TEST(ThinkingBudget, ThoughtsAreCutAtTheLimitAndNowhereElse) {
  const auto engine = open_drafting(small_options(), {});
  int n_cut = 0, n_late = 0;
  for (unsigned seed = 0; seed < 12; ++seed) {
    Request request = greedy(random_prompt(5, seed), 40);
    request.params.temperature = 0.9f;
    request.params.seed = seed;
    for (TokenId id = 64; seed % 2 == 1 && id < 67; ++id)  // bytes that begin a character
      request.params.logit_bias.emplace_back(id, 12.0f);
    const std::vector<TokenId> free = read_all(*engine->submit(request)).front().token_ids;
    for (const std::size_t most : {0U, 1U, 7U, 20U, 33U, 100U}) {
      SCOPED_TRACE(fmt::format("seed {}, at most {}", seed, most));
      request.thinking = limit_of(static_cast<std::int64_t>(most));
      const std::vector<TokenId> ids = read_all(*engine->submit(request)).front().token_ids;
      const std::string free_text = text_of(std::span(free).first(std::min(most, free.size())));
      if (most >= free.size() || free_text.find(" q-") != std::string::npos ||
          free_text.find("xyz") != std::string::npos) {
        EXPECT_EQ(ids, free);  // it ended by itself, or max_tokens did
        continue;
      }
      const auto differ = std::ranges::mismatch(ids, free);
      const auto n_thought =
          static_cast<std::size_t>(std::ranges::search(ids, kEnd).begin() - ids.begin());
      ASSERT_GE(n_thought, most);
      ASSERT_LE(n_thought, most + 3);
      n_late += n_thought > most ? 1 : 0;
      EXPECT_GE(static_cast<std::size_t>(differ.in1 - ids.begin()), n_thought);
      EXPECT_EQ(ids.size(), 40u);  // the answer goes on
      ++n_cut;
    }
  }
  EXPECT_GT(n_cut, 30);
  EXPECT_GT(n_late, 0);
}

TEST(ThinkingBudget, TextsAreEqualAloneInACrowdAndWithDraftsOfAnyKind) {
  const std::vector<Request> requests = thinking_requests();
  const std::vector<Answer> want = alone_and_thinking(requests);
  std::size_t n_answer = 0;
  int n_whole = 0;
  for (const Request& request : requests) {
    for (int i = 0; i < request.n; ++i, ++n_answer) {
      if (!request.constraint) continue;
      Matcher matcher(request.constraint->grammar);
      const std::string text = text_of(want[n_answer].token_ids);
      EXPECT_EQ(matcher.accept_bytes(text), text.size()) << text;
      n_whole += matcher.may_end() ? 1 : 0;
    }
  }
  EXPECT_GT(n_whole, 0);
  const Answers known = by_prompt(requests, want);
  std::uint64_t n_preemptions = 0;
  for (const std::int32_t lag : {0, 1, 2}) {
    for (unsigned seed = 0; seed < 4; ++seed) {
      SCOPED_TRACE(fmt::format("lag {}, seed {}", lag, seed));
      MakeDrafter make = [&] { return std::make_unique<ReplayDrafter>(known, seed); };
      if (seed == 0) make = {};
      if (seed == 1) make = [] { return std::make_unique<SuffixDrafter>(); };
      const std::unique_ptr<Engine> engine = open_drafting(crowded(), make, lag);
      expect_same(answer_all(*engine, requests), want);
      expect_same(answer_all(*engine, requests), want);  // with a prefix cache and finished texts
      EXPECT_EQ(engine->metrics().n_errors.load(), 0u);
      n_preemptions += engine->metrics().n_preemptions.load();
    }
  }
  EXPECT_GT(n_preemptions, 0u);
}

// Nobody guesses anything; the tokens of the end are known, and come in one step.
TEST(ThinkingBudget, TheEndIsADraft) {
  class Silent : public TextDrafter {
    void propose(const Sequence&, std::int64_t, std::vector<Draft>&) override {}
  };
  Request request = greedy(random_prompt(5, 1), 4);
  request.thinking = limit_of(0);
  const auto engine = open_drafting(small_options(), [] { return std::make_unique<Silent>(); });
  const Answer answer = read_all(*engine->submit(request)).front();
  EXPECT_TRUE(text_of(answer.token_ids).starts_with("xyz"));
  EXPECT_EQ(engine->metrics().n_steps.load(), 2u);  // 'x' with the prompt, then the rest
}

TEST(ThinkingBudget, ALimitNeedsATokenizerAndAnEnd) {
  Request request = greedy(random_prompt(5, 1), 4);
  request.thinking = limit_of(3);
  const auto without = open_drafting(small_options(), {}, 0, std::make_shared<const ModelText>());
  EXPECT_THROW(without->submit(request), Error);
  const auto engine = open_drafting(small_options(), {});
  request.thinking->end_ids = {67};
  EXPECT_THROW(engine->submit(request), Error);
  request.thinking->end_ids.clear();
  EXPECT_THROW(engine->submit(request), Error);
}

}  // namespace
}  // namespace tinyllm

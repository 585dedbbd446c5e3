// A draft model whose embedding has fewer rows than the model's, or more: texts are the same, with
// grammars, with biases and with forced tokens that it does not know.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "engine/changed_model_test.h"
#include "engine/drafting_engine_test.h"
#include "engine/mixed_requests_test.h"
#include "grammar/text_constraint.h"

namespace tinyllm {
namespace {

std::shared_ptr<const TextConstraint> constraint_of(const std::string& regex) {
  static const auto vocabulary = [] {
    VocabularyTokens tokens;
    tokens.bytes = tiny_spec().tokens;
    tokens.end_ids = {66};
    return std::make_shared<const GrammarVocabulary>(std::move(tokens));
  }();
  return std::make_shared<const TextConstraint>(
      TextConstraint{Grammar::compile({GrammarKind::regex, regex}), vocabulary});
}

// Of tokens that each draft model knows, so that it drafts; then of others.
std::vector<Request> requests_of_few_tokens() {
  std::vector<Request> requests = mixed_requests();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Request& request = requests[i];
    for (TokenId& id : request.prompt_ids) id %= 20;
    request.params.ignore_eos = true;
    if (i % 2 == 0) request.params.logit_bias = {{66, 1.5f}, {3, 4.0f}, {5, 4.0f}, {40, 1.0f}};
    if (i % 3 == 0) request.constraint = constraint_of("([a-m]{3,9} [w-z]-)*");
    if (i % 3 == 1) {  // " y- z-": ids 50 and 51
      request.thinking = ThinkingLimit{.max_tokens = static_cast<std::int64_t>(i % 8),
                                       .begins = {},
                                       .ends = {{" y- z-"}},
                                       .end_ids = {50, 51},
                                       .has_begun = true};
    }
  }
  return requests;
}

TEST(DraftVocabulary, TextsAreEqualWithFewerOrMoreRows) {
  const std::vector<Request> requests = requests_of_few_tokens();
  const std::vector<Answer> want = answer_all(*open_drafting(small_options(), {}), requests);
  for (const std::int64_t n_vocab : {21, 40, 130}) {
    for (const char* model : {"qwen2-bf16-tied", "llama-bf16-tied"}) {
      SCOPED_TRACE(fmt::format("{} of {} tokens", model, n_vocab));
      const TemporaryFolder folder;
      const auto engine =
          open_with_draft_model(small_options(), write_changed(folder.path(), model, n_vocab));
      expect_same(answer_all(*engine, requests), want);
      EXPECT_GT(engine->metrics().n_draft_tokens.load(), 20u);
    }
  }
}

}  // namespace
}  // namespace tinyllm

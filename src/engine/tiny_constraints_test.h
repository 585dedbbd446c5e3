#pragma once
// Grammars for texts of the tiny models, whose token 66 ends a text, for tests.

#include <memory>
#include <utility>
#include <vector>

#include "engine/tiny_engine_test.h"
#include "grammar/text_constraint.h"

namespace tinyllm {

inline constexpr TokenId kEnd = 66;

inline std::shared_ptr<const ModelText> text_with_end() {
  auto text = std::make_shared<ModelText>();
  text->tokenizer.emplace(tiny_spec());
  text->defaults.stop_token_ids = {kEnd};
  return text;
}

inline std::shared_ptr<const GrammarVocabulary> tiny_vocabulary() {
  static const auto vocabulary = [] {
    VocabularyTokens tokens;
    tokens.bytes = tiny_spec().tokens;
    tokens.end_ids = {kEnd};
    return std::make_shared<const GrammarVocabulary>(std::move(tokens));
  }();
  return vocabulary;
}

inline std::shared_ptr<const TextConstraint> constraint_of(const GrammarSource& source) {
  return std::make_shared<const TextConstraint>(
      TextConstraint{Grammar::compile(source), tiny_vocabulary()});
}

// Free ones, ones with many forced tokens, one that recurs, one that spans tokens, one without end.
inline const std::vector<std::shared_ptr<const TextConstraint>>& constraints() {
  static const std::vector<std::shared_ptr<const TextConstraint>> all = {
      constraint_of({GrammarKind::regex, "[a-m]{3,40}"}),
      constraint_of({GrammarKind::regex, "(hello[a-c]world( [x-z]-)?){2,9}"}),
      constraint_of({GrammarKind::choice, "", {"abc", "abde", "xyzxyzxyzxyz a- b-", "q"}}),
      constraint_of({GrammarKind::gbnf, "root ::= \"a\" root \"b\" | \" c-\" root | \"d\""}),
      constraint_of({GrammarKind::regex, "( [a-f]-|[àâé])+z"}),
      constraint_of({GrammarKind::regex, "[a-z]*"}),
  };
  return all;
}

}  // namespace tinyllm

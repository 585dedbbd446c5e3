#pragma once
// What the texts of a request must look like: a grammar, and the vocabulary of the model that writes
// them. Immutable: any thread, any number of requests.

#include <memory>

#include "grammar/grammar.h"
#include "grammar/grammar_vocabulary.h"

namespace tinyllm {

struct TextConstraint {
  std::shared_ptr<const Grammar> grammar;
  std::shared_ptr<const GrammarVocabulary> vocabulary;
};

}  // namespace tinyllm

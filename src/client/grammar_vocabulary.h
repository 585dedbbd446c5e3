#pragma once
// A tokenizer's vocabulary as grammars see it: the bytes of every token.

#include <memory>
#include <vector>

#include "base/token_id.h"
#include "grammar/grammar_vocabulary.h"

namespace tinyllm {

class Tokenizer;

// `end_ids`: the tokens that end a text; a grammar allows them where its text may end.
std::shared_ptr<const GrammarVocabulary> make_grammar_vocabulary(
    const Tokenizer& tokenizer, const std::vector<TokenId>& end_ids);

}  // namespace tinyllm

#include "client/grammar_vocabulary.h"

#include <utility>

#include "text/tokenizer.h"

namespace tinyllm {

std::shared_ptr<const GrammarVocabulary> make_grammar_vocabulary(
    const Tokenizer& tokenizer, const std::vector<TokenId>& end_ids) {
  VocabularyTokens tokens;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    tokens.bytes.emplace_back(tokenizer.token_bytes(id));
    if (tokenizer.is_special(id)) tokens.special_ids.push_back(id);
  }
  tokens.end_ids = end_ids;
  return std::make_shared<const GrammarVocabulary>(std::move(tokens));
}

}  // namespace tinyllm

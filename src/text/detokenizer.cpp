#include "text/detokenizer.h"

#include <utility>

#include "base/utf8.h"

namespace tinyllm {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, bool skip_special)
    : tokenizer_(&tokenizer), skip_special_(skip_special) {}

std::string Detokenizer::push(TokenId token_id) {
  // >>> text.detokenizer
  const std::string_view bytes = tokenizer_->token_bytes(token_id);
  if (skip_special_ && tokenizer_->is_special(token_id)) return {};
  std::string text = std::exchange(pending_, {});
  text += bytes;
  const std::size_t n_complete = text.size() - incomplete_suffix_bytes(text);
  pending_ = text.substr(n_complete);
  text.resize(n_complete);
  return replace_ill_formed(text);
  // <<< text.detokenizer
}

std::string Detokenizer::finish() {
  // >>> text.detokenizer
  return replace_ill_formed(std::exchange(pending_, {}));
  // <<< text.detokenizer
}

}  // namespace tinyllm

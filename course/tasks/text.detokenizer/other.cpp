// Another way to text.detokenizer: character by character, until one is cut off by the end of the bytes.
#include "text/detokenizer.h"

#include "base/utf8.h"

namespace tinyllm {

Detokenizer::Detokenizer(const Tokenizer& tokenizer, bool skip_special)
    : tokenizer_(&tokenizer), skip_special_(skip_special) {}

std::string Detokenizer::push(TokenId token_id) {
  if (skip_special_ && tokenizer_->is_special(token_id)) return "";
  pending_ += tokenizer_->token_bytes(token_id);
  std::string text;
  while (pending_.size() > incomplete_suffix_bytes(pending_)) {
    const Utf8Char next = decode_utf8(pending_);
    append_utf8(text, next.code_point);
    pending_.erase(0, next.n_bytes);
  }
  return text;
}

std::string Detokenizer::finish() {
  std::string text;
  while (!pending_.empty()) {
    append_utf8(text, kReplacementCharacter);
    pending_.erase(0, decode_utf8(pending_).n_bytes);
  }
  return text;
}

}  // namespace tinyllm

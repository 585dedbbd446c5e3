#include "text/word_encoder.h"

#include "text/bpe_merge.h"

namespace tinyllm {

void WordEncoder::append(std::string_view word) {
  const auto [entry, is_new] = known_words_.try_emplace(word);
  TextRange& ids = entry->second;
  if (is_new) {
    ids.begin = token_ids_.size();
    encode_word(word);
    ids.end = token_ids_.size();
    return;
  }
  for (std::size_t i = ids.begin; i < ids.end; ++i) token_ids_.push_back(token_ids_[i]);
}

void WordEncoder::encode_word(std::string_view word) {
  if (rules_.ignore_merges) {
    // Never a special token: a user's text would become one.
    if (const std::optional<TokenId> id = vocab_.find(word); id && !vocab_.is_special(*id)) {
      token_ids_.push_back(*id);
      return;
    }
  }
  word_ids_.clear();
  bool was_unknown = false;
  for (const char byte : word) {
    const std::optional<TokenId> id = vocab_.byte_id(static_cast<unsigned char>(byte));
    if (id) {
      word_ids_.push_back(*id);
    } else if (rules_.unknown_id && !(was_unknown && rules_.fuse_unknown)) {
      word_ids_.push_back(*rules_.unknown_id);
    }
    was_unknown = !id;
  }
  bpe_merge(word_ids_, merges_);
  token_ids_.insert(token_ids_.end(), word_ids_.begin(), word_ids_.end());
}

}  // namespace tinyllm

#pragma once
// The words of one text -> token ids: byte tokens, merged by BPE, each distinct word once.
// One object per text and thread.

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/text_range.h"
#include "base/token_id.h"
#include "text/vocab.h"

namespace tinyllm {

struct WordRules {
  bool ignore_merges = false;         // a word that is a token, but no special one, is that token
  std::optional<TokenId> unknown_id;  // for a byte that is no token; empty: it is left out
  bool fuse_unknown = false;          // one for several such bytes in a row
};

class WordEncoder {
 public:
  // Appends to `token_ids`. What this object looks at must outlive it.
  WordEncoder(const Vocab& vocab, const MergeTable& merges, const WordRules& rules,
              std::vector<TokenId>& token_ids)
      : vocab_(vocab), merges_(merges), rules_(rules), token_ids_(token_ids) {}

  // The bytes of `word` must stay where they are as long as this object lives: it remembers them.
  void append(std::string_view word);

 private:
  void encode_word(std::string_view word);

  const Vocab& vocab_;
  const MergeTable& merges_;
  WordRules rules_;
  std::vector<TokenId>& token_ids_;
  std::unordered_map<std::string_view, TextRange> known_words_;  // word -> its ids in token_ids_
  std::vector<TokenId> word_ids_;                                // of the word at hand
};

}  // namespace tinyllm

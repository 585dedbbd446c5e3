#pragma once
// WordPiece: a word becomes the longest token that begins it, then the longest that goes on, and so
// on (Wu et al. 2016; Devlin et al. 2018). Immutable after construction: any thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/token_id.h"

namespace tinyllm {

struct WordPieceRules {
  std::string continuing_prefix = "##";  // of tokens that do not begin a word
  std::int64_t max_word_chars = 100;     // a longer word becomes the unknown token
  TokenId unknown_id = 0;
};

class WordPiece {
 public:
  // tokens: by id; "" for an unused id. Of two tokens of one text the first counts.
  WordPiece(const std::vector<std::string>& tokens, WordPieceRules rules);

  // Appends the tokens of one word, or the unknown token for a word that they do not make up.
  // `word` is well-formed UTF-8, not empty.
  void append(std::string_view word, std::vector<TokenId>& token_ids) const;

 private:
  // A tree of bytes for tokens that begin a word, and one for those that go on, without prefix.
  enum Root : std::uint32_t { beginning, continuing, n_roots };

  void put(Root root, std::string_view token, TokenId id);
  // The longest token below `root` that `text` begins with; its bytes in n_bytes, 0: none.
  TokenId longest_at(Root root, std::string_view text, std::size_t& n_bytes) const;

  WordPieceRules rules_;
  std::unordered_map<std::uint64_t, std::uint32_t> children_;  // key: 256 * node + byte
  std::vector<TokenId> id_of_node_;                            // -1: no token ends here
};

}  // namespace tinyllm

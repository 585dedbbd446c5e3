#pragma once
// The tokens of a model by id and by text. Built and checked once, then only read: any thread.

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/token_id.h"
#include "text/merge_table.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {

class Vocab {
 public:
  // Takes tokens and added tokens out of `spec`. Throws Error{invalid_input} that names the file
  // and the id: no tokens, an added token outside [0, n) or with another text than the token of its
  // id, two tokens of one text.
  explicit Vocab(TokenizerSpec& spec);
  Vocab(const Vocab&) = delete;
  Vocab& operator=(const Vocab&) = delete;

  std::int64_t size() const { return static_cast<std::int64_t>(bytes_.size()); }
  bool contains(TokenId id) const { return id >= 0 && id < size(); }
  const std::string& bytes(TokenId id) const { return bytes_[id]; }
  bool is_special(TokenId id) const { return special_[id]; }

  // The token that BPE makes of exactly these bytes. An added token only when no other token has
  // them; its bytes are then those that its text stands for in the byte alphabet.
  std::optional<TokenId> find(std::string_view bytes) const;
  // The token of one byte; empty where the vocabulary has none.
  std::optional<TokenId> byte_id(unsigned char byte) const { return byte_ids_[byte]; }

 private:
  void index_plain_tokens(const std::vector<bool>& is_left_out, const std::string& source);
  void index_added_tokens(const TokenizerSpec& spec);

  std::vector<std::string> bytes_;  // by id, never changed: ids_ looks into it
  std::deque<std::string> spelt_;   // the same of added tokens as BPE knows them
  std::vector<bool> special_;
  std::unordered_map<std::string_view, TokenId> ids_;
  std::array<std::optional<TokenId>, 256> byte_ids_;
};

// The rules by ids instead of texts. Throws Error{invalid_input} that names the file and the merge
// when a part or the result is not in the vocabulary.
MergeTable make_merge_table(const TokenizerSpec& spec, const Vocab& vocab);

}  // namespace tinyllm

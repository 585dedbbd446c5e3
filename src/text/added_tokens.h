#pragma once
// Finds the tokens that are whole strings,
// such as "<|im_start|>", in a text. Immutable: any thread.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/text_range.h"
#include "base/token_id.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {

// A stretch of text between added tokens (no id), or an added token with the white space that it
// takes in (lstrip, rstrip).
struct TextPart {
  TextRange range;
  std::optional<TokenId> token_id;
};

struct AddedTokenOptions {
  bool find_special = true;  // false: only added tokens that are not special
  // No special token is found that overlaps one of these. Ascending, disjoint.
  std::span<const TextRange> plain_ranges = {};
};

class AddedTokens {
 public:
  // Of several of one text the first counts. Throws Error{invalid_input} that names `source` and
  // the token: one of more than 1024 bytes (the length bounds the work for each byte of text).
  AddedTokens(std::vector<AddedToken> tokens, const std::string& source);

  bool empty() const { return tokens_.empty(); }

  // The parts of well-formed UTF-8 in order, none without an id empty. Of the tokens that begin at
  // the leftmost possible byte the longest is taken, then the search goes on behind it. A special
  // token that is text only (find_special is false, or all of it is plain) is passed over as a
  // whole, so a shorter token in it is not found: as tokenizers' encode_special_tokens.
  std::vector<TextPart> split(std::string_view text, const AddedTokenOptions& options) const;

  std::optional<TokenId> find(std::string_view text) const;

 private:
  struct Found {
    const AddedToken* token = nullptr;
    bool is_text = false;  // a special token that is not to be recognised here
  };
  Found longest_at(std::string_view text, std::size_t begin,
                   const AddedTokenOptions& options) const;

  // The texts as a tree of bytes; a key is 256 * node + byte, the root is node 0.
  std::unordered_map<std::uint64_t, std::uint32_t> children_;
  std::vector<std::int32_t> token_of_node_;  // index in tokens_, or -1
  std::vector<bool> is_first_byte_;          // 256: some token begins with it
  std::vector<AddedToken> tokens_;
};

}  // namespace tinyllm

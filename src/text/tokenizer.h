#pragma once
// Text <-> token ids for byte-level BPE vocabularies (GPT-2, Llama 3, Qwen2/2.5/3, SmolLM).
// Encoding: added tokens cut out -> normaliser -> pretokenizer -> byte-level BPE. Immutable after
// construction: any thread may encode and decode at once. Move only.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_range.h"
#include "base/token_id.h"

namespace tinyllm {

struct TokenizerSpec;  // text/tokenizer_spec.h: what a loader must supply

struct EncodeOptions {
  // BOS/EOS as the model wants it; a text that begins with BOS gets no second one.
  bool add_special = true;
  // "<|im_end|>" in the text becomes its id; false: it is ordinary text. Added tokens that are not
  // special ("<tool_call>" of Qwen) are found always: they are words of the language.
  bool parse_special = true;
  // With parse_special: special tokens are not recognised where they overlap one of these ranges
  // (what a user wrote, see MarkedText). Ascending, disjoint.
  std::span<const TextRange> plain_ranges = {};
};

class Tokenizer {
 public:
  // Throws Error{invalid_input | unsupported} that names the field.
  explicit Tokenizer(TokenizerSpec spec);
  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Ill-formed UTF-8 is read as Python's decode(errors="replace") reads it.
  std::vector<TokenId> encode(std::string_view text, const EncodeOptions& options = {}) const;

  // The bytes of the tokens joined, ill-formed parts replaced by U+FFFD.
  // Ids outside the vocabulary throw Error{invalid_input}.
  std::string decode(std::span<const TokenId> token_ids, bool skip_special = false) const;

  // The raw bytes of one token; may be a part of a character.
  // Empty for an unused id of a padded vocabulary.
  std::string_view token_bytes(TokenId token_id) const;
  bool is_special(TokenId token_id) const;
  // The id of a token written exactly so ("<|im_end|>"), special or not.
  std::optional<TokenId> find(std::string_view token) const;
  // The same among the added tokens only: those that no stretch of ordinary text becomes.
  std::optional<TokenId> find_added(std::string_view token) const;

  std::int64_t vocab_size() const;  // ids are [0, vocab_size)
  std::optional<TokenId> bos_id() const;
  std::optional<TokenId> eos_id() const;
  const std::string& pretokenizer_name() const;  // "qwen2", "llama3", "smollm", "gpt2", "custom"

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace tinyllm

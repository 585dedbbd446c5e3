#pragma once
// What a byte-level BPE tokenizer is made of, before it is indexed.
// loader/ fills it from a file; the Tokenizer constructor checks it.
// Token texts are in raw bytes, not in GPT-2's printable byte alphabet.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/token_id.h"

namespace tinyllm {

enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

// One stage of the pretokenizer; stages run in order on the pieces of the one before.
struct PretokenizerStage {
  enum class Kind {
    split,   // by a regular expression (PCRE2, UTF + UCP), see behavior and invert
    digits,  // every digit its own piece (individual_digits) or runs of digits
  };
  Kind kind = Kind::split;
  std::string pattern;  // split
  SplitBehavior behavior = SplitBehavior::isolated;
  bool invert = false;            // split: pieces are what matches
  bool individual_digits = true;  // digits

  bool operator==(const PretokenizerStage&) const = default;
};

struct AddedToken {
  TokenId id = 0;
  std::string text;     // raw bytes
  bool special = true;  // skipped by decode(skip_special)
  bool lstrip = false, rstrip = false, single_word = false;
  bool normalized = false;  // matched after the normaliser instead of before
};

struct TokenizerSpec {
  std::string source;                                       // file name, for messages
  std::vector<std::string> tokens;                          // raw bytes by id; "" for an unused id
  std::vector<std::pair<std::string, std::string>> merges;  // raw bytes, best first
  std::vector<AddedToken> added_tokens;
  std::string pretokenizer_name;  // for people
  std::vector<PretokenizerStage> pretokenizer;
  bool nfc = false;               // Qwen: Unicode NFC before the pretokenizer
  bool add_prefix_space = false;  // a space before each text between added tokens that has none
  bool ignore_merges =
      false;  // Llama 3: a piece that is a token is that token, whatever the merges say
  // What a byte becomes that is no token; empty: it is left out, as Hugging Face's tokenizers does.
  std::optional<TokenId> unknown_id;
  std::vector<TokenId> prefix_ids, suffix_ids;  // added by add_special (BOS, EOS)
  std::optional<TokenId> bos_id, eos_id;
};

// The stages of the published pretokenizers:
// "gpt2", "llama3", "qwen2", "smollm". Empty: unknown name.
std::optional<std::vector<PretokenizerStage>> pretokenizer_stages(const std::string& name);

// GPT-2's alphabet that writes every byte as a printable character: "Ġthe" <-> " the".
// Empty when a character stands for no byte.
std::optional<std::string> bytes_from_printable(std::string_view printable);
std::string printable_from_bytes(std::string_view bytes);

// tokenizer.json -> spec. Throws Error{invalid_input | unsupported} that names the JSON field.
TokenizerSpec parse_tokenizer_json(std::string_view json, const std::string& source);

}  // namespace tinyllm

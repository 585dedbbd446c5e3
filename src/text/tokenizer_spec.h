#pragma once
// What a byte-level BPE tokenizer is made of, before it is indexed.
// loader/ fills it from a file; the Tokenizer constructor checks it.
// Token texts are in raw bytes, not in GPT-2's printable byte alphabet.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/token_id.h"

namespace tinyllm {

class JsonField;

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
  // BPE may make it as well, where no other token has the same bytes. Its text then stands in the
  // byte alphabet.
  bool in_model = true;
};

// What the files beside a tokenizer.json say about added tokens. Ids play no part.
struct TokensBeside {
  std::map<TokenId, AddedToken>
      by_id;                      // of added_tokens_decoder, or of the older added_tokens.json
  bool has_decoder = false;       // then tokenizer.json's own list is not read a second time
  std::vector<AddedToken> named;  // bos_token, eos_token, ...: special
  std::vector<AddedToken> extra;  // additional_special_tokens
};

struct TokenizerSpec {
  std::string source;                    // file name, for messages
  std::vector<std::string> tokens;       // raw bytes by id; "" for an unused id
  std::vector<TokenId> unreachable_ids;  // tokens that no text becomes: no bytes spell them
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
  bool fuse_unknown = false;                    // several such bytes in a row become one
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

// tokenizer.json -> spec, with the added tokens of the files beside it. Throws Error{invalid_input |
// unsupported} that names the JSON field.
TokenizerSpec parse_tokenizer_json(std::string_view json, const std::string& source,
                                   const TokensBeside& beside = {});

// One entry of "added_tokens" or "added_tokens_decoder", without its id: flags that are not given
// are as Hugging Face's AddedToken has them.
AddedToken read_added_token(const JsonField& entry);

}  // namespace tinyllm

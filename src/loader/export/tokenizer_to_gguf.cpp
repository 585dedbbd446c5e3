#include "loader/export/tokenizer_to_gguf.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "base/error.h"
#include "base/quote.h"
#include "loader/text/tokenizer_from_gguf.h"

namespace tinyllm {
namespace {

[[noreturn]] void refuse(const TokenizerSpec& spec, const std::string& what) {
  fail(ErrorCode::unsupported, "{}: {}, which GGUF files cannot say; nothing is written",
       spec.source, what);
}

void add_token_table(const TokenizerSpec& spec, GgufKeys& keys) {
  std::vector<std::string> texts;
  std::vector<std::int32_t> types(spec.tokens.size(),
                                  static_cast<std::int32_t>(GgufTokenType::normal));
  texts.reserve(spec.tokens.size());
  for (std::size_t id = 0; id < spec.tokens.size(); ++id) {
    const bool is_unused = spec.tokens[id].empty();
    if (is_unused) types[id] = static_cast<std::int32_t>(GgufTokenType::unused);
    texts.push_back(is_unused ? fmt::format("[PAD{}]", id) : printable_from_bytes(spec.tokens[id]));
  }
  for (const AddedToken& token : spec.added_tokens) {
    const auto id = static_cast<std::size_t>(token.id);
    texts[id] = token.text;
    types[id] = static_cast<std::int32_t>(token.special ? GgufTokenType::control
                                                        : GgufTokenType::user_defined);
  }
  keys.add_strings("tokenizer.ggml.tokens", texts);
  keys.add_integers("tokenizer.ggml.token_type", types);
}

void add_merges(const TokenizerSpec& spec, GgufKeys& keys) {
  std::vector<std::string> merges;
  merges.reserve(spec.merges.size());
  for (const auto& [left, right] : spec.merges) {
    merges.push_back(printable_from_bytes(left) + " " + printable_from_bytes(right));
  }
  keys.add_strings("tokenizer.ggml.merges", merges);
}

void add_special_ids(const TokenizerSpec& spec, const SpecialTokens& special_tokens,
                     GgufKeys& keys) {
  std::unordered_map<std::string_view, TokenId> ids;
  for (const AddedToken& token : spec.added_tokens) ids.emplace(token.text, token.id);
  for (const auto& [key, name] : kGgufSpecialTokens) {
    const std::string_view role = name;
    std::optional<TokenId> id;
    if (role == "bos_token") {
      id = spec.bos_id;
    } else if (role == "eos_token") {
      id = spec.eos_id;
    } else if (const auto text = special_tokens.find(name); text != special_tokens.end()) {
      if (const auto found = ids.find(text->second); found != ids.end()) id = found->second;
    }
    if (id) keys.add_count(key, *id);
  }
  keys.add_bool("tokenizer.ggml.add_bos_token", !spec.prefix_ids.empty());
  keys.add_bool("tokenizer.ggml.add_eos_token", !spec.suffix_ids.empty());
}

// What must be the same when the keys are read again. Not kept:
// what becomes of bytes that are no token (GGUF's readers leave them out),
// and AddedToken::normalized (they find every added token before the normaliser).
void require_kept(const TokenizerSpec& spec, const TokenizerSpec& read) {
  if (spec.nfc != read.nfc) refuse(spec, spec.nfc ? "normalises text" : "does not normalise text");
  if (spec.ignore_merges != read.ignore_merges) {
    refuse(spec, fmt::format("ignore_merges is {}", spec.ignore_merges));
  }
  if (spec.add_prefix_space) refuse(spec, "add_prefix_space is true");
  if (spec.prefix_ids != read.prefix_ids || spec.suffix_ids != read.suffix_ids) {
    refuse(spec, "puts other tokens than BOS and EOS around a text");
  }
  for (const AddedToken& token : spec.added_tokens) {
    if (token.lstrip || token.rstrip || token.single_word) {
      refuse(spec, fmt::format("token {} strips spaces or is a single word", quote(token.text)));
    }
    if (spec.tokens[token.id] != token.text) {
      refuse(spec,
             fmt::format("added token {} is written in the byte alphabet", quote(token.text)));
    }
  }
  CHECK(spec.tokens == read.tokens && spec.merges == read.merges,
        "{}: its tokens or merges were written as others", spec.source);
  CHECK(spec.added_tokens.size() == read.added_tokens.size() &&
            spec.pretokenizer == read.pretokenizer,
        "{}: its added tokens or its pretokenizer were written as others", spec.source);
}

}  // namespace

void add_tokenizer_keys(const TokenizerSpec& spec, const SpecialTokens& special_tokens,
                        GgufKeys& keys) {
  const auto pretokenizer = gguf_pretokenizer_name(spec);
  if (!pretokenizer) refuse(spec, "its pretokenizer is none of the published ones");
  keys.add_string("tokenizer.ggml.model", "gpt2");
  keys.add_string("tokenizer.ggml.pre", *pretokenizer);
  add_token_table(spec, keys);
  add_merges(spec, keys);
  add_special_ids(spec, special_tokens, keys);
  require_kept(spec, *tokenizer_from_gguf(keys.metadata()));
}

}  // namespace tinyllm

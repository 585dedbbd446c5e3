#include "loader/text/tokenizer_from_hf.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json_field.h"
#include "base/quote.h"
#include "loader/text/special_tokens.h"

namespace tinyllm {
namespace {

constexpr const char* kTokenizer = "tokenizer.json";
constexpr const char* kTokenizerConfig = "tokenizer_config.json";
constexpr const char* kAddedTokens = "added_tokens.json";
constexpr std::int32_t kMaxTokens = 1 << 22;  // ids may have holes, but not gigabytes of them

void refuse_other_vocabularies(const HuggingFaceFolder& folder) {
  const auto refuse_if_there = [&](const char* name, const char* kind) {
    if (!folder.has_file(name)) return;
    fail(
        ErrorCode::unsupported,
        "{}: {}, which is not supported; supported is byte-level BPE in a tokenizer.json beside it",
        folder.source(name), kind);
  };
  refuse_if_there("tokenizer.model", "is a SentencePiece vocabulary");
  refuse_if_there("spiece.model", "is a SentencePiece vocabulary");
  refuse_if_there("tekken.json", "is a Tekken vocabulary");
  refuse_if_there("vocab.txt", "is a WordPiece vocabulary");
  refuse_if_there("vocab.json", "is a vocabulary in the form of before 2020");
}

TokenId parse_id(const std::string& text, const JsonField& object) {
  TokenId id = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size() || id < 0 || id >= kMaxTokens) {
    fail(ErrorCode::invalid_input, "{}: {} has the key {}, must be an id in [0, {})",
         object.source(), object.path(), quote(text), kMaxTokens);
  }
  return id;
}

// "added_tokens_decoder": {"151643": {"content": "<|endoftext|>", "special": true, ...}, ...}
std::map<TokenId, AddedToken> read_decoder(const JsonField& decoder) {
  std::map<TokenId, AddedToken> by_id;
  for (const auto& [key, value] : decoder.object().items()) {
    by_id[parse_id(key, decoder)] = read_added_token(decoder.member(key));
  }
  return by_id;
}

// "additional_special_tokens": ["<a>", {"content": "<b>", ...}], under its newer name or the older.
std::vector<AddedToken> read_extra(const JsonField& config) {
  std::vector<AddedToken> tokens;
  for (const char* name : {"extra_special_tokens", "additional_special_tokens"}) {
    const JsonField list = config.member(name);
    if (!list.is_array() || !tokens.empty()) continue;
    for (const JsonField& entry : list.elements()) {
      tokens.push_back(entry.is_object() ? read_added_token(entry)
                                         : AddedToken{.text = entry.string()});
    }
  }
  return tokens;
}

// added_tokens.json of folders from before 2023: {"<a>": 5, ...}. transformers reads it where the
// config has no "added_tokens_decoder".
std::map<TokenId, AddedToken> read_older_file(const JsonField& ids, const TokensBeside& beside) {
  std::map<TokenId, AddedToken> by_id;
  for (const auto& [text, id] : ids.object().items()) {
    const auto is_same = [&](const AddedToken& token) { return token.text == text; };
    AddedToken token{.text = text};
    token.special =
        std::ranges::any_of(beside.named, is_same) || std::ranges::any_of(beside.extra, is_same);
    token.normalized = !token.special;
    by_id[ids.member(text).id()] = token;
  }
  return by_id;
}

TokensBeside read_beside(const HuggingFaceFolder& folder, const JsonField& config,
                         const NamedTokens& named) {
  TokensBeside beside;
  for (const auto& [name, token] : named) beside.named.push_back(token);
  beside.extra = read_extra(config);
  if (const JsonField decoder = config.member("added_tokens_decoder"); decoder.exists()) {
    beside.by_id = read_decoder(decoder);
    beside.has_decoder = true;
  } else if (const auto older = folder.find_json(kAddedTokens)) {
    beside.by_id = read_older_file(JsonField(*older, folder.source(kAddedTokens)), beside);
  }
  return beside;
}

std::optional<TokenId> find_added(const TokenizerSpec& spec, const NamedTokens& named,
                                  const char* name) {
  for (const auto& [other, token] : named) {
    if (other != name) continue;
    const auto found = std::ranges::find(spec.added_tokens, token.text, &AddedToken::text);
    if (found != spec.added_tokens.end()) return found->id;
  }
  return std::nullopt;
}

// Who puts BOS and EOS around a text is as in transformers 5: the post-processor of tokenizer.json,
// and never the config's add_bos_token and add_eos_token. One class puts nothing.
void drop_post_processor(TokenizerSpec& spec, const JsonField& config) {
  const std::string name = config.member("tokenizer_class").string_or("");
  if (name != "GPTNeoXTokenizer" && name != "GPTNeoXTokenizerFast") return;
  spec.prefix_ids.clear();
  spec.suffix_ids.clear();
}

}  // namespace

std::optional<TokenizerSpec> tokenizer_from_hf(const HuggingFaceFolder& folder) {
  const std::optional<std::string> text = folder.find_text(kTokenizer);
  if (!text) {
    refuse_other_vocabularies(folder);
    return std::nullopt;
  }
  const nlohmann::json json = folder.find_json(kTokenizerConfig).value_or(nlohmann::json::object());
  const JsonField config(json, folder.source(kTokenizerConfig));
  const NamedTokens named = named_tokens_from_hf(folder);
  TokenizerSpec spec =
      parse_tokenizer_json(*text, folder.source(kTokenizer), read_beside(folder, config, named));
  if (const auto bos = find_added(spec, named, "bos_token")) spec.bos_id = bos;
  if (const auto eos = find_added(spec, named, "eos_token")) spec.eos_id = eos;
  drop_post_processor(spec, config);
  return spec;
}

}  // namespace tinyllm

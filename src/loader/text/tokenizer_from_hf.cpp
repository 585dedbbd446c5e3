#include "loader/text/tokenizer_from_hf.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>

#include "base/error.h"
#include "base/json_field.h"
#include "base/quote.h"
#include "loader/text/special_tokens.h"

namespace tinyllm {
namespace {

constexpr const char* kTokenizer = "tokenizer.json";
constexpr const char* kTokenizerConfig = "tokenizer_config.json";
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

std::optional<TokenId> find_token(const TokenizerSpec& spec, const std::string& text) {
  for (const AddedToken& token : spec.added_tokens) {
    if (token.text == text) return token.id;
  }
  const auto it = std::find(spec.tokens.begin(), spec.tokens.end(), text);
  if (text.empty() || it == spec.tokens.end()) return std::nullopt;
  return static_cast<TokenId>(it - spec.tokens.begin());
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
// repeats what tokenizer.json says; a token that only stands here is added.
void add_missing_tokens(TokenizerSpec& spec, const JsonField& decoder) {
  if (decoder.is_null()) return;
  std::unordered_set<TokenId> known_ids;
  for (const AddedToken& token : spec.added_tokens) known_ids.insert(token.id);
  const std::unordered_set<std::string> known_texts(spec.tokens.begin(), spec.tokens.end());
  for (const auto& [key, value] : decoder.object().items()) {
    const TokenId id = parse_id(key, decoder);
    const JsonField entry = decoder.member(key);
    const std::string& text = entry.member("content").string();
    if (text.empty() || known_ids.contains(id) || known_texts.contains(text)) continue;
    const bool special = entry.member("special").boolean_or(false);
    const auto index = static_cast<std::size_t>(id);
    if (spec.tokens.size() <= index) spec.tokens.resize(index + 1);
    spec.added_tokens.push_back({.id = id,
                                 .text = text,
                                 .special = special,
                                 .lstrip = entry.member("lstrip").boolean_or(false),
                                 .rstrip = entry.member("rstrip").boolean_or(false),
                                 .single_word = entry.member("single_word").boolean_or(false),
                                 .normalized = entry.member("normalized").boolean_or(!special)});
  }
}

// transformers: when the config says whether BOS or EOS is added,
// that replaces what tokenizer.json says about both.
void apply_bos_and_eos(TokenizerSpec& spec, const JsonField& config,
                       const SpecialTokens& special_tokens) {
  const auto id_of = [&](const char* name) -> std::optional<TokenId> {
    const auto found = special_tokens.find(name);
    if (found == special_tokens.end()) return std::nullopt;
    return find_token(spec, found->second);
  };
  if (const auto bos = id_of("bos_token")) spec.bos_id = bos;
  if (const auto eos = id_of("eos_token")) spec.eos_id = eos;

  const JsonField add_bos = config.member("add_bos_token");
  const JsonField add_eos = config.member("add_eos_token");
  if (add_bos.is_null() && add_eos.is_null()) return;
  spec.prefix_ids.clear();
  spec.suffix_ids.clear();
  if (add_bos.boolean_or(false) && spec.bos_id) spec.prefix_ids = {*spec.bos_id};
  if (add_eos.boolean_or(false) && spec.eos_id) spec.suffix_ids = {*spec.eos_id};
}

}  // namespace

std::optional<TokenizerSpec> tokenizer_from_hf(const HuggingFaceFolder& folder) {
  const std::optional<std::string> text = folder.find_text(kTokenizer);
  if (!text) {
    refuse_other_vocabularies(folder);
    return std::nullopt;
  }
  TokenizerSpec spec = parse_tokenizer_json(*text, folder.source(kTokenizer));
  const nlohmann::json json = folder.find_json(kTokenizerConfig).value_or(nlohmann::json::object());
  const JsonField config(json, folder.source(kTokenizerConfig));
  add_missing_tokens(spec, config.member("added_tokens_decoder"));
  apply_bos_and_eos(spec, config, special_tokens_from_hf(folder));
  return spec;
}

}  // namespace tinyllm

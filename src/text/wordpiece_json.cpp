// Hugging Face's tokenizer.json -> WordPieceSpec. What the file asks for and we do not do is refused
// by its name. Truncation and padding are not looked at: an encoder has its own limit, and packs.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdint>

#include "base/error.h"
#include "base/json_field.h"
#include "base/json_parse.h"
#include "base/quote.h"
#include "text/tokenizer_parts.h"
#include "text/wordpiece_tokenizer.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kMaxTokens = 1 << 22;
// Characters of a word; its time grows with their square.
constexpr std::int64_t kDefaultMaxWordChars = 100, kMostWordChars = 1000;

void put_token(WordPieceSpec& spec, std::int64_t id, const std::string& text) {
  if (id >= kMaxTokens) {
    fail(ErrorCode::unsupported, "{}: token {} has id {}, must be in [0, {})", spec.source,
         quote(text), id, kMaxTokens);
  }
  const auto index = static_cast<std::size_t>(id);
  if (spec.tokens.size() <= index) spec.tokens.resize(index + 1);
  if (!spec.tokens[index].empty() && spec.tokens[index] != text) {
    fail(ErrorCode::invalid_input, "{}: id {} is given to two tokens, {} and {}", spec.source, id,
         quote(spec.tokens[index]), quote(text));
  }
  spec.tokens[index] = text;
}

void read_model(WordPieceSpec& spec, const JsonField& model) {
  // Files of old versions name no type, but only WordPiece has this field.
  const JsonField type = model.member("type"), max_chars = model.member("max_input_chars_per_word");
  const bool is_wordpiece = type.is_null() ? !max_chars.is_null() : type.string() == "WordPiece";
  if (!is_wordpiece) type.refuse(ErrorCode::unsupported, "'WordPiece' in an encoder");
  spec.rules.continuing_prefix = model.member("continuing_subword_prefix").string_or("##");
  spec.rules.max_word_chars = max_chars.count_or(kDefaultMaxWordChars);
  if (spec.rules.max_word_chars > kMostWordChars) {
    max_chars.refuse(ErrorCode::unsupported, fmt::format("at most {}", kMostWordChars));
  }
  const JsonField vocab = model.member("vocab");
  for (const auto& [text, id] : vocab.object().items()) {
    if (!id.is_number_unsigned()) {
      fail(ErrorCode::invalid_input, "{}: {}: the id of token {} must be a whole number",
           spec.source, vocab.path(), quote(text));
    }
    put_token(
        spec,
        static_cast<std::int64_t>(std::min<std::uint64_t>(id.get<std::uint64_t>(), kMaxTokens)),
        text);
  }
  const JsonField unknown = model.member("unk_token");
  const std::string text = unknown.string_or("[UNK]");
  const auto found = vocab.object().find(text);
  if (found == vocab.object().end()) unknown.refuse(ErrorCode::invalid_input, "a token");
  spec.rules.unknown_id = found->get<TokenId>();
}

void read_normalizer(WordPieceSpec& spec, const JsonField& normalizer) {
  const std::vector<JsonField> parts = tokenizer_parts(normalizer, "normalizers");
  if (parts.size() != 1) normalizer.refuse(ErrorCode::unsupported, "BertNormalizer");
  const JsonField& bert = parts.front();
  const JsonField type = bert.member("type");
  if (type.string() != "BertNormalizer") type.refuse(ErrorCode::unsupported, "'BertNormalizer'");
  BertNormalizer& rules = spec.normalizer;
  rules.clean_text = bert.member("clean_text").boolean_or(true);
  rules.separate_ideographs = bert.member("handle_chinese_chars").boolean_or(true);
  rules.lowercase = bert.member("lowercase").boolean_or(true);
  rules.strip_accents = bert.member("strip_accents").boolean_or(rules.lowercase);
}

void check_pretokenizer(const JsonField& pretokenizer) {
  const std::vector<JsonField> parts = tokenizer_parts(pretokenizer, "pretokenizers");
  if (parts.size() != 1) pretokenizer.refuse(ErrorCode::unsupported, "BertPreTokenizer");
  const JsonField type = parts.front().member("type");
  if (type.string() != "BertPreTokenizer") {
    type.refuse(ErrorCode::unsupported, "'BertPreTokenizer'");
  }
}

void read_added_tokens(WordPieceSpec& spec, const JsonField& list) {
  if (list.is_null()) return;
  for (const JsonField& entry : list.elements()) {
    AddedToken token = read_added_token(entry);
    token.id = entry.member("id").id();
    put_token(spec, token.id, token.text);
    spec.added_tokens.push_back(std::move(token));
  }
}

}  // namespace

WordPieceSpec parse_wordpiece_json(std::string_view json, const std::string& source) {
  const nlohmann::json document = parse_json(json, source);
  const JsonField root(document, source);
  WordPieceSpec spec;
  spec.source = source;
  read_model(spec, root.member("model"));
  read_normalizer(spec, root.member("normalizer"));
  check_pretokenizer(root.member("pre_tokenizer"));
  AroundText around = read_post_processor(root.member("post_processor"));
  spec.prefix_ids = std::move(around.before);
  spec.suffix_ids = std::move(around.behind);
  read_added_tokens(spec, root.member("added_tokens"));
  return spec;
}

}  // namespace tinyllm

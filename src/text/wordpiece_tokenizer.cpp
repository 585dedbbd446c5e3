#include "text/wordpiece_tokenizer.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/utf8.h"
#include "text/bert_characters.h"

namespace tinyllm {
namespace {

std::string_view text_in(std::string_view text, const TextRange& range) {
  return text.substr(range.begin, range.end - range.begin);
}

std::vector<AddedToken> added_tokens_of(const WordPieceSpec& spec, bool normalized) {
  std::vector<AddedToken> tokens;
  for (const AddedToken& token : spec.added_tokens) {
    if (token.normalized != normalized) continue;
    tokens.push_back(token);
    if (normalized && is_valid_utf8(token.text)) tokens.back().text = spec.normalizer(token.text);
  }
  return tokens;
}

void check_ids(const WordPieceSpec& spec) {
  const auto check = [&](const char* what, TokenId id) {
    if (id >= 0 && id < std::ssize(spec.tokens)) return;
    fail(ErrorCode::invalid_input, "{}: {} is {}, must be in [0, {})", spec.source, what, id,
         spec.tokens.size());
  };
  check("the id of the unknown token", spec.rules.unknown_id);
  for (const TokenId id : spec.prefix_ids) check("an id before the text", id);
  for (const TokenId id : spec.suffix_ids) check("an id behind the text", id);
  for (const AddedToken& token : spec.added_tokens) check("an added token's id", token.id);
}

const WordPieceSpec& checked(const WordPieceSpec& spec) {
  check_ids(spec);
  return spec;
}

}  // namespace

WordPieceTokenizer::WordPieceTokenizer(WordPieceSpec spec)
    : normalizer_(checked(spec).normalizer),
      wordpiece_(spec.tokens, spec.rules),
      raw_added_(added_tokens_of(spec, false), spec.source),
      normalized_added_(added_tokens_of(spec, true), spec.source),
      prefix_ids_(std::move(spec.prefix_ids)),
      suffix_ids_(std::move(spec.suffix_ids)) {
  tokens_ = std::move(spec.tokens);
}

void WordPieceTokenizer::append_words(std::string_view normalized,
                                      std::vector<TokenId>& token_ids) const {
  std::size_t begin = 0, at = 0;
  const auto end_word = [&] {
    if (at > begin) wordpiece_.append(normalized.substr(begin, at - begin), token_ids);
  };
  while (at < normalized.size()) {
    const Utf8Char c = decode_utf8(normalized.substr(at));
    const bool is_punctuation = is_bert_punctuation(c.code_point);
    if (is_punctuation || is_bert_space(c.code_point)) {
      end_word();
      begin = at + c.n_bytes;
      if (is_punctuation) wordpiece_.append(normalized.substr(at, c.n_bytes), token_ids);
    }
    at += c.n_bytes;
  }
  end_word();
}

std::vector<TokenId> WordPieceTokenizer::encode_text(std::string_view text) const {
  std::string well_formed;
  if (!is_valid_utf8(text)) {
    well_formed = replace_ill_formed(text);
    text = well_formed;
  }
  std::vector<TokenId> token_ids;
  for (const TextPart& raw : raw_added_.split(text, {})) {
    if (raw.token_id) {
      token_ids.push_back(*raw.token_id);
      continue;
    }
    const std::string normalized = normalizer_(text_in(text, raw.range));
    for (const TextPart& part : normalized_added_.split(normalized, {})) {
      if (part.token_id) {
        token_ids.push_back(*part.token_id);
      } else {
        append_words(text_in(normalized, part.range), token_ids);
      }
    }
  }
  return token_ids;
}

std::int64_t WordPieceTokenizer::n_around() const {
  return std::ssize(prefix_ids_) + std::ssize(suffix_ids_);
}

std::vector<TokenId> WordPieceTokenizer::surround(const std::vector<TokenId>& text_ids,
                                                  std::int64_t max_ids) const {
  CHECK(max_ids >= n_around(), "{} ids at most, and {} around the text", max_ids, n_around());
  const std::int64_t n_kept = std::min(std::ssize(text_ids), max_ids - n_around());
  std::vector<TokenId> ids = prefix_ids_;
  ids.insert(ids.end(), text_ids.begin(), text_ids.begin() + n_kept);
  ids.insert(ids.end(), suffix_ids_.begin(), suffix_ids_.end());
  return ids;
}

std::vector<TokenId> WordPieceTokenizer::encode(std::string_view text) const {
  return surround(encode_text(text), std::numeric_limits<std::int64_t>::max());
}

}  // namespace tinyllm

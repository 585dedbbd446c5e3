#pragma once
// Text -> token ids for BERT's vocabularies. Encoding: added tokens ([MASK], ...) cut out ->
// normaliser -> words (white space goes, each sign of punctuation stands alone) -> WordPiece ->
// [CLS] and [SEP] around it. Immutable after construction: any thread may encode. Move only.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/token_id.h"
#include "text/added_tokens.h"
#include "text/bert_normalizer.h"
#include "text/wordpiece.h"

namespace tinyllm {

struct WordPieceSpec {
  std::string source;               // file name, for messages
  std::vector<std::string> tokens;  // by id; "" for an unused id
  WordPieceRules rules;
  BertNormalizer normalizer;
  std::vector<AddedToken> added_tokens;
  std::vector<TokenId> prefix_ids, suffix_ids;  // [CLS], [SEP]
};

// tokenizer.json -> spec. Throws Error{invalid_input | unsupported} that names the JSON field.
WordPieceSpec parse_wordpiece_json(std::string_view json, const std::string& source);

class WordPieceTokenizer {
 public:
  // Throws Error{invalid_input} that names the source and the id.
  explicit WordPieceTokenizer(WordPieceSpec spec);

  // Ill-formed UTF-8 is read as Python's decode(errors="replace") reads it.
  std::vector<TokenId> encode(std::string_view text) const;
  // What encode puts around the ids of a text, for ids that somebody else made. max_ids cuts the
  // text, not what stands around it; it must leave room for that.
  std::vector<TokenId> surround(const std::vector<TokenId>& text_ids, std::int64_t max_ids) const;
  // The ids without [CLS] and [SEP].
  std::vector<TokenId> encode_text(std::string_view text) const;

  std::int64_t vocab_size() const { return static_cast<std::int64_t>(tokens_.size()); }
  bool lowers() const { return normalizer_.lowercase; }  // "A" is read as "a"
  std::int64_t n_around() const;                         // ids that stand around a text
  const std::string& token(TokenId id) const { return tokens_[static_cast<std::size_t>(id)]; }

 private:
  void append_words(std::string_view normalized, std::vector<TokenId>& token_ids) const;

  std::vector<std::string> tokens_;
  BertNormalizer normalizer_;
  WordPiece wordpiece_;
  AddedTokens raw_added_, normalized_added_;  // found before and after the normaliser
  std::vector<TokenId> prefix_ids_, suffix_ids_;
};

}  // namespace tinyllm

#include "text/tokenizer.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "base/check.h"
#include "base/error.h"
#include "base/utf8.h"
#include "text/added_tokens.h"
#include "text/merge_table.h"
#include "text/normalizer.h"
#include "text/pretokenizer.h"
#include "text/rewritten_text.h"
#include "text/tokenizer_spec.h"
#include "text/vocab.h"
#include "text/word_encoder.h"

namespace tinyllm {
namespace {

// The added tokens that are found before (false) or after (true) the normaliser.
std::vector<AddedToken> added_tokens_of(const TokenizerSpec& spec, bool normalized) {
  std::vector<AddedToken> tokens;
  for (const AddedToken& token : spec.added_tokens) {
    if (token.normalized != normalized) continue;
    tokens.push_back(token);
    if (normalized && spec.nfc && is_valid_utf8(token.text)) {
      tokens.back().text = normalize_nfc(token.text).text;
    }
  }
  return tokens;
}

void check_id(const TokenizerSpec& spec, const Vocab& vocab, const char* field, TokenId id) {
  if (!vocab.contains(id)) {
    fail(ErrorCode::invalid_input, "{}: {} is {}, must be in [0, {})", spec.source, field, id,
         vocab.size());
  }
}

void check_ids(const TokenizerSpec& spec, const Vocab& vocab) {
  if (spec.bos_id) check_id(spec, vocab, "the BOS id", *spec.bos_id);
  if (spec.eos_id) check_id(spec, vocab, "the EOS id", *spec.eos_id);
  if (spec.unknown_id) check_id(spec, vocab, "the id of the unknown token", *spec.unknown_id);
  for (const TokenId id : spec.prefix_ids) check_id(spec, vocab, "a prefix id", id);
  for (const TokenId id : spec.suffix_ids) check_id(spec, vocab, "a suffix id", id);
}

std::string_view part_of(std::string_view text, const TextRange& range) {
  return text.substr(range.begin, range.end - range.begin);
}

// Those of `ranges` that overlap `window`, counted from its begin.
std::vector<TextRange> ranges_within(const std::vector<TextRange>& ranges,
                                     const TextRange& window) {
  std::vector<TextRange> result;
  auto range = std::partition_point(ranges.begin(), ranges.end(), [&](const TextRange& other) {
    return other.end <= window.begin;
  });
  for (; range != ranges.end() && range->begin < window.end; ++range) {
    result.push_back({std::max(range->begin, window.begin) - window.begin,
                      std::min(range->end, window.end) - window.begin});
  }
  return result;
}

}  // namespace

struct Tokenizer::State {
  explicit State(TokenizerSpec spec);

  // The working memory of one encode. Texts made on the way live as long as the words in them.
  struct Encoding {
    std::vector<TokenId> token_ids;
    std::deque<std::string> made_texts;
    std::vector<RegexMatcher> matchers;
    WordEncoder words;
    bool find_special;

    Encoding(const State& state, bool parse_special)
        : matchers(state.pretokenizer.make_matchers()),
          words(state.vocab, state.merges, state.word_rules, token_ids),
          find_special(parse_special) {}
  };

  void encode_text(Encoding& encoding, std::string_view text,
                   const std::vector<TextRange>& plain_ranges) const;
  void encode_between_raw(Encoding& encoding, std::string_view text,
                          const std::vector<TextRange>& plain_ranges) const;
  void encode_between_normalized(Encoding& encoding, std::string_view text) const;

  std::string pretokenizer_name;
  bool nfc, add_prefix_space;
  WordRules word_rules;
  std::optional<TokenId> bos_id, eos_id;
  std::vector<TokenId> prefix_ids, suffix_ids;
  Pretokenizer pretokenizer;
  AddedTokens raw_added, normalized_added;  // found before and after the normaliser
  Vocab vocab;
  MergeTable merges;
};

Tokenizer::State::State(TokenizerSpec spec)
    : pretokenizer_name(spec.pretokenizer_name),
      nfc(spec.nfc),
      add_prefix_space(spec.add_prefix_space),
      word_rules{spec.ignore_merges, spec.unknown_id, spec.fuse_unknown},
      bos_id(spec.bos_id),
      eos_id(spec.eos_id),
      prefix_ids(spec.prefix_ids),
      suffix_ids(spec.suffix_ids),
      pretokenizer(spec.pretokenizer, spec.source),
      raw_added(added_tokens_of(spec, false), spec.source),
      normalized_added(added_tokens_of(spec, true), spec.source),
      vocab(spec),
      merges(make_merge_table(spec, vocab)) {
  check_ids(spec, vocab);
}

// The four steps of encoding, one function each.

void Tokenizer::State::encode_text(Encoding& encoding, std::string_view text,
                                   const std::vector<TextRange>& plain_ranges) const {
  for (const TextPart& part : raw_added.split(text, {encoding.find_special, plain_ranges})) {
    if (part.token_id) {
      encoding.token_ids.push_back(*part.token_id);
    } else {
      encode_between_raw(encoding, part_of(text, part.range),
                         ranges_within(plain_ranges, part.range));
    }
  }
}

void Tokenizer::State::encode_between_raw(Encoding& encoding, std::string_view text,
                                          const std::vector<TextRange>& plain_ranges) const {
  std::vector<TextRange> new_ranges = plain_ranges;
  if (nfc) {
    RewrittenText normalized = normalize_nfc(text);
    if (normalized.text != text) {
      new_ranges = normalized.new_ranges(plain_ranges);
      text = encoding.made_texts.emplace_back(std::move(normalized.text));
    }
  }
  for (const TextPart& part : normalized_added.split(text, {encoding.find_special, new_ranges})) {
    if (part.token_id) {
      encoding.token_ids.push_back(*part.token_id);
    } else {
      encode_between_normalized(encoding, part_of(text, part.range));
    }
  }
}

void Tokenizer::State::encode_between_normalized(Encoding& encoding, std::string_view text) const {
  if (add_prefix_space && !text.starts_with(' ')) {
    text = encoding.made_texts.emplace_back(" " + std::string(text));
  }
  for (const TextRange& word : pretokenizer.split(text, encoding.matchers)) {
    encoding.words.append(part_of(text, word));
  }
}

Tokenizer::Tokenizer(TokenizerSpec spec) : state_(std::make_unique<const State>(std::move(spec))) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

std::vector<TokenId> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  State::Encoding encoding(*state_, options.parse_special);
  std::vector<TextRange> plain_ranges(options.plain_ranges.begin(), options.plain_ranges.end());
  if (!is_valid_utf8(text)) {
    RewrittenText well_formed = rewrite_ill_formed(text);
    plain_ranges = well_formed.new_ranges(plain_ranges);
    text = encoding.made_texts.emplace_back(std::move(well_formed.text));
  }
  state_->encode_text(encoding, text, plain_ranges);

  std::vector<TokenId>& ids = encoding.token_ids;
  if (options.add_special) {
    const std::vector<TokenId>& prefix = state_->prefix_ids;
    const bool has_prefix =
        ids.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), ids.begin());
    if (!has_prefix) ids.insert(ids.begin(), prefix.begin(), prefix.end());
    ids.insert(ids.end(), state_->suffix_ids.begin(), state_->suffix_ids.end());
  }
  return std::move(ids);
}

std::string Tokenizer::decode(std::span<const TokenId> token_ids, bool skip_special) const {
  std::string bytes;
  for (const TokenId id : token_ids) {
    if (skip_special && is_special(id)) continue;
    bytes += token_bytes(id);
  }
  return replace_ill_formed(bytes);
}

std::string_view Tokenizer::token_bytes(TokenId token_id) const {
  if (!state_->vocab.contains(token_id)) {
    fail(ErrorCode::invalid_input, "token id is {}, must be in [0, {})", token_id, vocab_size());
  }
  return state_->vocab.bytes(token_id);
}

bool Tokenizer::is_special(TokenId token_id) const {
  return state_->vocab.contains(token_id) && state_->vocab.is_special(token_id);
}

std::optional<TokenId> Tokenizer::find_added(std::string_view token) const {
  for (const AddedTokens* added : {&state_->raw_added, &state_->normalized_added}) {
    if (const std::optional<TokenId> id = added->find(token)) return id;
  }
  return std::nullopt;
}

std::optional<TokenId> Tokenizer::find(std::string_view token) const {
  const std::optional<TokenId> added = find_added(token);
  return added ? added : state_->vocab.find(token);
}

std::int64_t Tokenizer::vocab_size() const { return state_->vocab.size(); }
std::optional<TokenId> Tokenizer::bos_id() const { return state_->bos_id; }
std::optional<TokenId> Tokenizer::eos_id() const { return state_->eos_id; }
const std::string& Tokenizer::pretokenizer_name() const { return state_->pretokenizer_name; }

}  // namespace tinyllm

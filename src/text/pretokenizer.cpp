#include "text/pretokenizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace tinyllm {
namespace {

// Puts together the words of one piece from its matches and the gaps between them, which arrive in
// order and cover the piece.
class WordBuilder {
 public:
  WordBuilder(SplitBehavior behavior, bool invert, std::vector<TextRange>& words)
      : behavior_(behavior), invert_(invert), words_(words), first_(words.size()) {}

  void add(TextRange range, bool is_match) {
    is_match = is_match != invert_;
    if (joins_last(is_match)) {
      words_.back().end = range.end;
    } else if (behavior_ != SplitBehavior::removed || !is_match) {
      words_.push_back(range);
    }
    last_was_match_ = is_match;
  }

 private:
  bool joins_last(bool is_match) const {
    if (words_.size() == first_) return false;
    switch (behavior_) {
      case SplitBehavior::contiguous: return is_match == last_was_match_;
      case SplitBehavior::merged_with_previous: return is_match && !last_was_match_;
      case SplitBehavior::merged_with_next: return !is_match && last_was_match_;
      case SplitBehavior::removed:
      case SplitBehavior::isolated: return false;
    }
    return false;
  }

  SplitBehavior behavior_;
  bool invert_;
  std::vector<TextRange>& words_;
  std::size_t first_;  // words of earlier pieces are not touched
  bool last_was_match_ = false;
};

std::size_t character_bytes(std::string_view text, std::size_t at) {
  return decode_utf8(text.substr(at)).n_bytes;
}

// `piece` begins at byte `offset` of the whole text. An empty match counts, but not right behind
// another match (Oniguruma's and Rust's find_iter).
void split_by_regex(std::string_view piece, std::size_t offset, RegexMatcher& matcher,
                    WordBuilder& builder) {
  std::size_t search_from = 0, done = 0;
  bool has_matched = false;
  while (search_from <= piece.size()) {
    const std::optional<TextRange> match = matcher.find(piece, search_from);
    if (!match) break;
    if (match->begin == match->end && has_matched && match->end == done) {
      if (search_from == piece.size()) break;
      search_from += character_bytes(piece, search_from);
      continue;
    }
    if (match->begin > done) builder.add({offset + done, offset + match->begin}, false);
    builder.add({offset + match->begin, offset + match->end}, true);
    search_from = done = match->end;
    has_matched = true;
  }
  if (done < piece.size()) builder.add({offset + done, offset + piece.size()}, false);
}

bool is_digit(char32_t c) {
  if (c < 0x80) return c >= '0' && c <= '9';
  const utf8proc_category_t category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL ||
         category == UTF8PROC_CATEGORY_NO;
}

void split_digits(std::string_view piece, std::size_t offset, WordBuilder& builder) {
  std::size_t done = 0;
  for (std::size_t i = 0; i < piece.size();) {
    const Utf8Char c = decode_utf8(piece.substr(i));
    const std::size_t end = i + c.n_bytes;
    if (is_digit(c.code_point)) {
      if (done < i) builder.add({offset + done, offset + i}, false);
      builder.add({offset + i, offset + end}, true);
      done = end;
    }
    i = end;
  }
  if (done < piece.size()) builder.add({offset + done, offset + piece.size()}, false);
}

}  // namespace

Pretokenizer::Pretokenizer(std::vector<PretokenizerStage> stages, const std::string& source)
    : stages_(std::move(stages)) {
  for (const PretokenizerStage& stage : stages_) {
    if (stage.kind == PretokenizerStage::Kind::split) regexes_.emplace_back(stage.pattern, source);
  }
}

std::vector<RegexMatcher> Pretokenizer::make_matchers() const {
  std::vector<RegexMatcher> matchers;
  matchers.reserve(regexes_.size());
  for (const Regex& regex : regexes_) matchers.emplace_back(regex);
  return matchers;
}

std::vector<TextRange> Pretokenizer::split(std::string_view text,
                                           std::vector<RegexMatcher>& matchers) const {
  std::vector<TextRange> words;
  if (text.empty()) return words;
  words.push_back({0, text.size()});
  std::size_t matcher_idx = 0;
  for (const PretokenizerStage& stage : stages_) {
    std::vector<TextRange> pieces;
    std::swap(pieces, words);
    words.reserve(pieces.size());
    for (const TextRange& piece : pieces) {
      const std::string_view bytes = text.substr(piece.begin, piece.end - piece.begin);
      if (stage.kind == PretokenizerStage::Kind::digits) {
        WordBuilder builder(
            stage.individual_digits ? SplitBehavior::isolated : SplitBehavior::contiguous, false,
            words);
        split_digits(bytes, piece.begin, builder);
      } else {
        WordBuilder builder(stage.behavior, stage.invert, words);
        split_by_regex(bytes, piece.begin, matchers[matcher_idx], builder);
      }
    }
    if (stage.kind == PretokenizerStage::Kind::split) ++matcher_idx;
    std::erase_if(words, [](const TextRange& word) { return word.begin == word.end; });
  }
  return words;
}

}  // namespace tinyllm

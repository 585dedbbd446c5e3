#pragma once
// Cuts a text into the words that BPE works on; no token ever crosses a cut. Immutable: any thread.

#include <string>
#include <string_view>
#include <vector>

#include "base/text_range.h"
#include "text/regex.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {

class Pretokenizer {
 public:
  // Throws Error{invalid_input} that names `source` and the pattern.
  Pretokenizer(std::vector<PretokenizerStage> stages, const std::string& source);

  // The working memory of split: one per thread, for as many texts as one likes.
  std::vector<RegexMatcher> make_matchers() const;

  // The words in order, none empty. `text` is well-formed UTF-8; a stage whose behaviour is
  // `removed` leaves gaps between them.
  std::vector<TextRange> split(std::string_view text, std::vector<RegexMatcher>& matchers) const;

 private:
  std::vector<PretokenizerStage> stages_;
  std::vector<Regex> regexes_;  // one per split stage, in order
};

}  // namespace tinyllm

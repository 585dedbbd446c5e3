#pragma once
// Regular expressions over UTF-8 text: PCRE2 with Unicode properties, compiled to machine code
// where the system allows that. Patterns come from model files, that is from strangers: the steps
// of one match are bounded. What counts as a letter or a digit is what the PCRE2 library knows (in
// Debian 12: Unicode 14); a character that came into Unicode later counts as punctuation.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/text_range.h"

namespace tinyllm {

// A compiled pattern. Read-only: any thread.
class Regex {
 public:
  // Means what the pattern means to Hugging Face's tokenizers (Oniguruma):
  // \s and \S are Unicode's White_Space, ^ and $ match at lines.
  // Throws Error{invalid_input} that names `source` and the pattern.
  Regex(const std::string& pattern, const std::string& source);
  Regex(Regex&&) noexcept;
  ~Regex();

 private:
  friend class RegexMatcher;
  struct State;
  std::unique_ptr<const State> state_;
};

// The working memory of matching: one per thread. The Regex must outlive it.
class RegexMatcher {
 public:
  explicit RegexMatcher(const Regex& regex);
  RegexMatcher(RegexMatcher&&) noexcept;
  ~RegexMatcher();

  // The first match at or after byte `start` of `text`, which must be well-formed UTF-8; `start` is
  // the beginning of a character. Throws Error{invalid_input} when the match takes too many steps.
  std::optional<TextRange> find(std::string_view text, std::size_t start);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm

#pragma once
// The words of a question, and where they stand in a text. Pure functions; any thread.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/text_range.h"

namespace tinyllm {

// Runs of is_word_character(), in lower case (of ASCII); each once, in order.
// Everything else only parts them, the operators of FTS5 too. Common English words ("what", "the")
// are left out, unless there are no others.
std::vector<std::string> query_words(std::string_view text);

// An FTS5 expression for texts that hold at least one of the words; "": there are none.
std::string words_expression(const std::vector<std::string>& words);

// A stretch of a text that shows why it was found.
struct Snippet {
  std::string text;                // on one line
  std::vector<TextRange> matched;  // the words in it, ascending
};

// The stretch of at most about `max_bytes` bytes with the most different words of the question,
// the first among equals. "..." stands where text is left out.
Snippet make_snippet(std::string_view text, const std::vector<std::string>& words,
                     std::size_t max_bytes);

}  // namespace tinyllm

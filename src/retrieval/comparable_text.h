#pragma once
// Texts so that a quotation is found in its source whatever a PDF, Markdown or a typist made of it.
// Pure functions; any thread.

#include <string>
#include <string_view>

namespace tinyllm {

// The text's words, each between blanks (" never waits "; "": none): case folded, compatible
// characters as one (NFKD: ligatures, full-width letters). An ideograph or kana is a word. Marks of
// Markdown, the targets of links, hyphens within words and at line ends, and punctuation are left
// out; the signs of mathematics, currencies and % are words.
std::string comparable_words(std::string_view text);

}  // namespace tinyllm

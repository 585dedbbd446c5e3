#pragma once
// Whether an answer is founded on its sources, as far as a program can tell. Pure functions; any
// thread.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "retrieval/document_index.h"

namespace tinyllm {

struct CitationCheck {
  std::vector<int> cited;                     // sources that it names, ascending, each once
  std::vector<int> unknown;                   // numbers that it names and that are no sources
  std::vector<std::string> missing_quotes;    // quoted, and in no source
  std::vector<std::string> misplaced_quotes;  // in a source, but in none of those cited behind them
  bool declines = false;                      // it says that the sources do not tell, nothing more

  bool founded() const {
    return !cited.empty() && unknown.empty() && missing_quotes.empty() && misplaced_quotes.empty();
  }
};

// Citations are [1], [1, 2], [1; 2], [1-3] and [Source 1]. They are none in code, and none where the
// same words with the same brackets stand in a source. Numbers over 999 that are no sources are
// years or sizes. Quotations (find_quotations) of four words or more must stand in a source, heading
// or text; what comparable_words() leaves out does not matter, and "..." or [...] leaves out words.
CitationCheck check_citations(std::string_view answer, std::span<const StoredChunk> sources);

}  // namespace tinyllm

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
  std::vector<int> cited;                   // sources that it names, ascending, each once
  std::vector<int> unknown;                 // numbers that it names and that are no sources
  std::vector<std::string> missing_quotes;  // quoted, and in no source
  bool declines = false;                    // it says that the sources do not tell

  bool founded() const { return !cited.empty() && unknown.empty() && missing_quotes.empty(); }
};

// Citations are [1] and [1, 2]. Quotations of four words or more in "..." or “...” must stand in a
// source; case, white space, Markdown's marks and punctuation at their end do not matter.
CitationCheck check_citations(std::string_view answer, std::span<const StoredChunk> sources);

}  // namespace tinyllm

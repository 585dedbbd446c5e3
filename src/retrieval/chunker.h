#pragma once
// A document in chunks: stretches of its text that are short enough for an embedding model and say
// for themselves where they belong. Pure functions; any thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "retrieval/document_text.h"

namespace tinyllm {

struct Chunk {
  std::string heading;  // "The engine > The step"; "": it stands under none
  std::string text;
  int first_line = 1, last_line = 1;  // in the file, or in the page
  int page = 0;                       // 0: the format has none
  std::int64_t n_tokens = 0;          // of titled_text(), as the embedding model counts
  std::size_t n_overlap = 0;          // bytes at the text's beginning that end the chunk before
};

// A chunk as a text of its own.
std::string titled_text(const Chunk& chunk);

// Chunks of at most `max_tokens` tokens (at least 16) of titled_text, counted by `count`. Every
// word of the text blocks is in a chunk. A heading begins a chunk, and so does a page. A block that
// fits stays whole; one that does not is cut between sentences (code: between lines), where that
// does not help between words, and at last between characters. A chunk that goes on under the same
// heading in the same page begins with the last sentence of the one before, if that is short.
std::vector<Chunk> chunk_document(const DocumentText& document, std::int64_t max_tokens,
                                  function_ref<std::int64_t(std::string_view)> count);

}  // namespace tinyllm

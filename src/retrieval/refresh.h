#pragma once
// Brings an index up to date with its folder: new and changed documents are read, cut and embedded,
// those that are gone are removed, the rest is left alone. One thread.

#include <cstdint>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "retrieval/document_files.h"
#include "retrieval/document_index.h"

namespace tinyllm {

class Embedder;

struct RefreshReport {
  int n_added = 0, n_changed = 0, n_removed = 0, n_same = 0;
  std::int64_t n_chunks = 0;          // that were embedded
  std::vector<std::string> problems;  // one line a document that gives no text
  bool stopped = false;               // `go_on` said no; what was done is kept
};

struct RefreshWatcher {
  function_ref<void(std::uint64_t n_done, std::uint64_t n_total)> on_bytes;  // of the documents
  function_ref<bool()> go_on;  // asked between documents, and between batches of chunks
};

enum class Unreadable {
  leave,      // what gave no text is not read again while its bytes are the same
  try_again,  // it is
};

// The index has been claimed for this embedder. A document that gives no text is recorded with the
// reason, which is reported at every run; where pdftotext was missing, it is read again at every
// run too. One that cannot be read for now keeps what the index has of it. Throws as DocumentIndex
// does.
RefreshReport refresh(DocumentIndex& index, const DocumentFiles& documents,
                      const Embedder& embedder, const RefreshWatcher& watcher,
                      Unreadable unreadable = Unreadable::leave);

// Tokens of the longest chunk that this embedding model reads: 512, or as many as it can.
std::int64_t max_chunk_tokens(const Embedder& embedder);

}  // namespace tinyllm

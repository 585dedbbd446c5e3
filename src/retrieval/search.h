#pragma once
// Search in an index: by words (BM25), by meaning (vectors), or both, fused by reciprocal rank
// (Cormack, Clarke & Buettcher 2009). The same question gives the same list. One thread.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "retrieval/document_index.h"
#include "retrieval/vector_table.h"

namespace tinyllm {

class Embedder;
struct RowKernels;

enum class SearchBy { both, words, meaning };

struct SearchOptions {
  std::size_t n = 5;
  SearchBy by = SearchBy::both;
  DocumentFilter filter;
};

struct Hit {
  StoredChunk chunk;
  double score = 0;                            // sum over the lists of 1 / (60 + rank)
  int rank_by_words = 0, rank_by_meaning = 0;  // from 1; 0: not among the first of that list
};

class Searcher {
 public:
  // Reads the vectors of the index; both must outlive it. n_threads 0: all physical cores.
  Searcher(const DocumentIndex& index, const Embedder& embedder, int n_threads);
  ~Searcher();

  // Best first; equal ones in the order of the index. Nothing where nothing has a word of the
  // question, or no document passes the filter. Throws as DocumentIndex does.
  std::vector<Hit> search(std::string_view question, const SearchOptions& options);

 private:
  std::vector<std::int64_t> by_meaning(std::string_view question, const DocumentFilter& filter,
                                       std::size_t n);

  const DocumentIndex* index_;
  const Embedder* embedder_;
  ThreadPool pool_;
  std::unique_ptr<const RowKernels> kernels_;
  std::vector<std::int64_t> chunk_ids_;  // of the rows of vectors_
  VectorTable vectors_;
};

// The lists' fusion: ids with their scores, best first, equal ones ascending.
struct FusedId {
  std::int64_t id = 0;
  double score = 0;
  int rank_by_words = 0, rank_by_meaning = 0;
};
std::vector<FusedId> fuse(const std::vector<std::int64_t>& by_words,
                          const std::vector<std::int64_t>& by_meaning);

}  // namespace tinyllm

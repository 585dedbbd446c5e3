#pragma once
// The index of a folder in one SQLite file: its documents, their chunks, the words of these for BM25
// (FTS5) and their vectors. A document is replaced in one transaction, so whatever ends the program,
// each document is there as it was or as it is. One thread.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "retrieval/chunker.h"
#include "retrieval/database.h"
#include "retrieval/vector_table.h"

namespace tinyllm {

// What an index was made of; with other ones it would give wrong answers.
struct IndexOrigin {
  std::string folder;       // absolute
  std::string embedder;     // a name, or an absolute path
  std::string fingerprint;  // of its files (Embedder::fingerprint)
  std::int64_t n_dims = 0;
};

struct StoredDocument {
  std::string path;    // under the folder, with "/"
  std::string kind;    // of kDocumentKinds
  std::string digest;  // of the content: sha256 in hex
  std::int64_t n_bytes = 0;
  std::string problem = {};  // why it gives no text; "": it does
  std::int64_t n_chunks = 0;
};

struct StoredChunk {
  std::int64_t id = 0;  // ascends within a document
  std::string path, kind;
  Chunk chunk;
};

// Which documents are searched; empty fields: all. path: a glob as SQLite's, "*" for anything,
// slashes too.
struct DocumentFilter {
  std::string path, kind;
};

class DocumentIndex {
 public:
  // Makes the file where there is none. All functions throw as Database does; this one as
  // prepare_index_tables too.
  explicit DocumentIndex(const std::filesystem::path& file);

  const std::filesystem::path& file() const { return database_.file(); }
  std::optional<IndexOrigin> origin() const;  // empty: nothing was indexed yet
  // Records it in a new index, and a new name of the same embedder in one that has it. Empties
  // an index of an older version, so a refresh must follow. Writes nothing where all is the same. Throws Error{invalid_input} where the index has another embedder.
  void claim(const IndexOrigin& origin);

  std::vector<StoredDocument> documents() const;  // by path
  std::int64_t n_chunks() const;

  // In place of what it had under this path. vectors: of each chunk, one at least.
  // document.n_chunks is not read.
  void put(const StoredDocument& document, std::span<const Chunk> chunks,
           std::span<const std::vector<ByteVector>> vectors);
  void remove(const std::string& path);

  // The ids of the `n` chunks with the best BM25 score for an FTS5 expression, best first; words of
  // a heading count twice.
  std::vector<std::int64_t> find_words(const std::string& expression, const DocumentFilter& filter,
                                       std::size_t n) const;
  // Ids of the chunks of the documents that the filter lets through, ascending.
  std::vector<std::int64_t> chunks_of(const DocumentFilter& filter) const;
  StoredChunk chunk(std::int64_t id) const;
  // All chunks of all documents, by path and place.
  std::vector<StoredChunk> chunks() const;
  // All vectors; row i belongs to the chunk chunk_ids[i], ascending; a chunk may have several.
  VectorTable vectors(std::int64_t n_dims, std::vector<std::int64_t>& chunk_ids) const;

  // Reads all of it. Throws Error{invalid_input} that says what is damaged.
  void check_integrity() const;

 private:
  void add_origin(const IndexOrigin& origin);

  Database database_;
};

}  // namespace tinyllm

#include "retrieval/document_index.h"

#include "base/check.h"
#include "base/error.h"
#include "retrieval/index_tables.h"

namespace tinyllm {
namespace {

constexpr const char* kChunkColumns =
    "SELECT chunks.id, path, kind, heading, text, first_line, last_line, page, n_tokens, n_overlap "
    "FROM chunks JOIN documents ON documents.id = document_id ";

constexpr const char* kFilter = " (?1 = '' OR path GLOB ?1) AND (?2 = '' OR kind = ?2) ";

StoredChunk read_chunk(const Statement& row) {
  return {.id = row.integer(0),
          .path = row.text(1),
          .kind = row.text(2),
          .chunk = {.heading = row.text(3),
                    .text = row.text(4),
                    .first_line = static_cast<int>(row.integer(5)),
                    .last_line = static_cast<int>(row.integer(6)),
                    .page = static_cast<int>(row.integer(7)),
                    .n_tokens = row.integer(8),
                    .n_overlap = static_cast<std::size_t>(row.integer(9))}};
}

}  // namespace

DocumentIndex::DocumentIndex(const std::filesystem::path& file) : database_(file) {
  prepare_index_tables(database_);
}

std::optional<IndexOrigin> DocumentIndex::origin() const {
  Statement row = database_.prepare("SELECT folder, embedder, fingerprint, n_dims FROM origin");
  if (!row.next()) return std::nullopt;
  return IndexOrigin{row.text(0), row.text(1), row.text(2), row.integer(3)};
}

void DocumentIndex::add_origin(const IndexOrigin& origin) {
  Transaction transaction(database_);
  if (this->origin()) return;  // another process was faster
  Statement add = database_.prepare("INSERT INTO origin VALUES (?, ?, ?, ?)");
  add.bind(1, origin.folder).bind(2, origin.embedder);
  add.bind(3, origin.fingerprint).bind(4, origin.n_dims).run();
  transaction.commit();
}

void DocumentIndex::claim(const IndexOrigin& origin) {
  if (!this->origin()) add_origin(origin);
  const std::optional<IndexOrigin> had = this->origin();
  if (had->fingerprint == origin.fingerprint && had->n_dims == origin.n_dims) {
    renew_older_tables(database_);
    if (had->embedder != origin.embedder)
      database_.prepare("UPDATE origin SET embedder = ?").bind(1, origin.embedder).run();
    return;
  }
  fail(ErrorCode::invalid_input,
       "{}: was indexed with the embedding model {} ({}), not with {} ({}); remove the index "
       "(tinyllm rag rm {}) to make it anew",
       origin.folder, had->embedder, had->fingerprint, origin.embedder, origin.fingerprint,
       origin.folder);
}

std::vector<StoredDocument> DocumentIndex::documents() const {
  Statement row = database_.prepare(
      "SELECT path, kind, digest, n_bytes, problem, "
      "(SELECT count(*) FROM chunks WHERE document_id = documents.id) FROM documents ORDER BY "
      "path");
  std::vector<StoredDocument> documents;
  while (row.next()) {
    documents.push_back({.path = row.text(0),
                         .kind = row.text(1),
                         .digest = row.text(2),
                         .n_bytes = row.integer(3),
                         .problem = row.text(4),
                         .n_chunks = row.integer(5)});
  }
  return documents;
}

std::int64_t DocumentIndex::n_chunks() const {
  return database_.integer("SELECT count(*) FROM chunks");
}

void DocumentIndex::put(const StoredDocument& document, std::span<const Chunk> chunks,
                        std::span<const std::vector<ByteVector>> vectors) {
  CHECK(chunks.size() == vectors.size(), "{} chunks, {} vectors", chunks.size(), vectors.size());
  Transaction transaction(database_);
  database_.prepare("DELETE FROM documents WHERE path = ?").bind(1, document.path).run();
  Statement add = database_.prepare(
      "INSERT INTO documents(path, kind, digest, n_bytes, problem) VALUES (?, ?, ?, ?, ?)");
  add.bind(1, document.path).bind(2, document.kind).bind(3, document.digest);
  add.bind(4, document.n_bytes).bind(5, document.problem).run();
  const std::int64_t document_id = database_.last_row_id();
  Statement add_chunk = database_.prepare(
      "INSERT INTO chunks(document_id, heading, text, first_line, last_line, page, n_tokens, "
      "n_overlap) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  Statement add_vector =
      database_.prepare("INSERT INTO vectors(chunk_id, scale, bytes) VALUES (?, ?, ?)");
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const Chunk& chunk = chunks[i];
    add_chunk.bind(1, document_id).bind(2, chunk.heading).bind(3, chunk.text);
    add_chunk.bind(4, std::int64_t{chunk.first_line}).bind(5, std::int64_t{chunk.last_line});
    add_chunk.bind(6, std::int64_t{chunk.page}).bind(7, chunk.n_tokens);
    add_chunk.bind(8, static_cast<std::int64_t>(chunk.n_overlap)).run();
    CHECK(!vectors[i].empty(), "chunk {} has no vector", i);
    const std::int64_t chunk_id = database_.last_row_id();
    for (const ByteVector& vector : vectors[i]) {
      add_vector.bind(1, chunk_id).bind(2, double{vector.scale});
      add_vector.bind_bytes(3, std::as_bytes(std::span(vector.bytes))).run();
    }
  }
  transaction.commit();
}

void DocumentIndex::remove(const std::string& path) {
  Transaction transaction(database_);
  database_.prepare("DELETE FROM documents WHERE path = ?").bind(1, path).run();
  transaction.commit();
}

std::vector<std::int64_t> DocumentIndex::find_words(const std::string& expression,
                                                    const DocumentFilter& filter,
                                                    std::size_t n) const {
  Statement row = database_.prepare(
      std::string("SELECT chunks.id FROM words JOIN chunks ON chunks.id = words.rowid "
                  "JOIN documents ON documents.id = document_id WHERE words MATCH ?3 AND") +
      kFilter + "ORDER BY bm25(words, 2.0, 1.0), chunks.id LIMIT ?4");
  row.bind(1, filter.path)
      .bind(2, filter.kind)
      .bind(3, expression)
      .bind(4, static_cast<std::int64_t>(n));
  std::vector<std::int64_t> ids;
  while (row.next()) ids.push_back(row.integer(0));
  return ids;
}

std::vector<std::int64_t> DocumentIndex::chunks_of(const DocumentFilter& filter) const {
  Statement row = database_.prepare(
      std::string(
          "SELECT chunks.id FROM chunks JOIN documents ON documents.id = document_id WHERE") +
      kFilter + "ORDER BY chunks.id");
  row.bind(1, filter.path).bind(2, filter.kind);
  std::vector<std::int64_t> ids;
  while (row.next()) ids.push_back(row.integer(0));
  return ids;
}

StoredChunk DocumentIndex::chunk(std::int64_t id) const {
  Statement row = database_.prepare(std::string(kChunkColumns) + "WHERE chunks.id = ?");
  row.bind(1, id);
  if (!row.next())
    fail(ErrorCode::not_found, "{}: chunk {} is gone; ask again", file().string(), id);
  return read_chunk(row);
}

std::vector<StoredChunk> DocumentIndex::chunks() const {
  Statement row = database_.prepare(std::string(kChunkColumns) + "ORDER BY path, chunks.id");
  std::vector<StoredChunk> chunks;
  while (row.next()) chunks.push_back(read_chunk(row));
  return chunks;
}

VectorTable DocumentIndex::vectors(std::int64_t n_dims,
                                   std::vector<std::int64_t>& chunk_ids) const {
  VectorTable table(n_dims);
  table.reserve(static_cast<std::size_t>(database_.integer("SELECT count(*) FROM vectors")));
  Statement row =
      database_.prepare("SELECT chunk_id, scale, bytes FROM vectors ORDER BY chunk_id, id");
  while (row.next()) {
    const std::span<const std::byte> bytes = row.bytes(2);
    if (std::ssize(bytes) != n_dims) {
      fail(ErrorCode::invalid_input,
           "{}: this index is damaged (a vector of {} numbers, must be {}); remove the file, and "
           "the "
           "next run makes it again",
           file().string(), bytes.size(), n_dims);
    }
    chunk_ids.push_back(row.integer(0));
    table.add(static_cast<float>(row.number(1)),
              {reinterpret_cast<const std::int8_t*>(bytes.data()), bytes.size()});
  }
  return table;
}

void DocumentIndex::check_integrity() const {
  Statement row = database_.prepare("PRAGMA integrity_check(1)");
  const std::string found = row.next() ? row.text(0) : "no answer";
  if (found != "ok")
    fail(ErrorCode::invalid_input, "{}: this index is damaged ({})", file().string(),
         found.substr(found.rfind('\n') + 1));
  // Also compares the words with the texts that they are of.
  database_.run("INSERT INTO words(words, rank) VALUES ('integrity-check', 1)");
  const std::int64_t n_without = database_.integer(
      "SELECT count(*) FROM chunks LEFT JOIN vectors ON chunk_id = chunks.id WHERE chunk_id IS "
      "NULL");
  if (n_without > 0)
    fail(ErrorCode::invalid_input, "{}: {} chunks have no vector", file().string(), n_without);
}

}  // namespace tinyllm

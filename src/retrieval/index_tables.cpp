#include "retrieval/index_tables.h"

#include "base/error.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kApplicationId = 0x546E6C78;  // "Tnlx"
// Raised when the tables change, and when the same document gives other chunks or vectors: by another
// reader, another chunker or other windows.
constexpr std::int64_t kVersion = 2;

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS origin(folder TEXT, embedder TEXT, fingerprint TEXT, n_dims INTEGER);
CREATE TABLE documents(
  id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, digest TEXT NOT NULL,
  n_bytes INTEGER NOT NULL, problem TEXT NOT NULL);
CREATE TABLE chunks(
  id INTEGER PRIMARY KEY AUTOINCREMENT, document_id INTEGER NOT NULL REFERENCES documents(id) ON DELETE CASCADE,
  heading TEXT NOT NULL, text TEXT NOT NULL, first_line INTEGER NOT NULL, last_line INTEGER NOT NULL,
  page INTEGER NOT NULL, n_tokens INTEGER NOT NULL, n_overlap INTEGER NOT NULL);
CREATE INDEX chunks_by_document ON chunks(document_id);
CREATE TABLE vectors(
  id INTEGER PRIMARY KEY, chunk_id INTEGER NOT NULL REFERENCES chunks(id) ON DELETE CASCADE,
  scale REAL NOT NULL, bytes BLOB NOT NULL);
CREATE INDEX vectors_by_chunk ON vectors(chunk_id);
CREATE VIRTUAL TABLE words USING fts5(
  heading, text, content='chunks', content_rowid='id', tokenize="porter unicode61 remove_diacritics 2");
CREATE TRIGGER chunk_came AFTER INSERT ON chunks BEGIN
  INSERT INTO words(rowid, heading, text) VALUES (new.id, new.heading, new.text);
END;
CREATE TRIGGER chunk_went AFTER DELETE ON chunks BEGIN
  INSERT INTO words(words, rowid, heading, text) VALUES ('delete', old.id, old.heading, old.text);
END;
)";

constexpr const char* kDropOlder = R"(
DROP TABLE IF EXISTS words;
DROP TABLE IF EXISTS vectors;
DROP TABLE IF EXISTS chunks;
DROP TABLE IF EXISTS documents;
)";

std::int64_t version_of(const Database& database) {
  return database.integer("PRAGMA user_version");
}

bool is_new(const Database& database) {
  return database.integer("SELECT count(*) FROM sqlite_schema") == 0;
}

// An index, and one of an older version.
bool is_older(const Database& database) {
  return database.integer("PRAGMA application_id") == kApplicationId &&
         version_of(database) < kVersion;
}

void make_tables(const Database& database) {
  Transaction transaction(database);
  // Another process may have been faster.
  if (!is_new(database) && !is_older(database)) return;
  database.run(kDropOlder);
  database.run(kSchema);
  database.run("PRAGMA application_id = 1416522872; PRAGMA user_version = 2;");
  transaction.commit();
}

}  // namespace

void prepare_index_tables(const Database& database) {
  if (is_new(database)) make_tables(database);
  const std::string path = database.file().string();
  if (database.integer("PRAGMA application_id") != kApplicationId)
    fail(ErrorCode::invalid_input, "{}: is a database of another program, not an index", path);
  if (const std::int64_t version = version_of(database); version > kVersion) {
    fail(ErrorCode::invalid_input,
         "{}: is an index of version {}, must be {}; remove the file, and the next run makes it "
         "again",
         path, version, kVersion);
  }
}

void renew_older_tables(const Database& database) {
  if (is_older(database)) make_tables(database);
}

}  // namespace tinyllm

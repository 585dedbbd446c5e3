#include "retrieval/document_index.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "base/temp_folder_test.h"

namespace tinyllm {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using ::testing::HasSubstr;
using testing::TempFolder;

Chunk chunk(const std::string& text) { return {.heading = "h", .text = text, .n_tokens = 2}; }

// A document of these chunks, with vectors of two numbers.
void put(DocumentIndex& index, const std::string& path, const std::vector<std::string>& texts) {
  std::vector<Chunk> chunks;
  std::vector<std::vector<ByteVector>> vectors;
  for (const std::string& text : texts) {
    chunks.push_back(chunk(text));
    const ByteVector vector{.scale = 0.5f, .bytes = {static_cast<std::int8_t>(chunks.size()), -1}};
    vectors.push_back({vector, vector});
  }
  index.put({.path = path, .kind = "text", .digest = "d"}, chunks, vectors);
}

std::vector<std::string> paths(const DocumentIndex& index) {
  std::vector<std::string> paths;
  for (const StoredDocument& document : index.documents()) paths.push_back(document.path);
  return paths;
}

TEST(DocumentIndex, KeepsWhatWasPutAndReplacesIt) {
  const TempFolder folder;
  DocumentIndex index(folder.path() / "x.db");
  EXPECT_FALSE(index.origin());
  put(index, "b.txt", {"red apples", "green pears"});
  put(index, "a.txt", {"blue plums"});
  put(index, "b.txt", {"yellow lemons"});
  EXPECT_THAT(paths(index), ElementsAre("a.txt", "b.txt"));
  const std::vector<StoredChunk> chunks = index.chunks();
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[1].chunk.text, "yellow lemons");
  EXPECT_EQ(chunks[1].chunk.heading, "h");
  EXPECT_EQ(index.chunk(chunks[1].id).path, "b.txt");
  EXPECT_TRUE(index.find_words("apples", {}, 9).empty());
  EXPECT_THAT(index.find_words("lemons", {}, 9), ElementsAre(chunks[1].id));
  EXPECT_THAT(index.find_words("lemons OR plums", {.path = "a.*", .kind = ""}, 9),
              ElementsAre(chunks[0].id));
  EXPECT_TRUE(index.find_words("lemons", {.path = "", .kind = "pdf"}, 9).empty());
  std::vector<std::int64_t> ids;
  EXPECT_EQ(index.vectors(2, ids).n_rows(), 4u);
  EXPECT_THAT(ids, ElementsAre(chunks[0].id, chunks[0].id, chunks[1].id, chunks[1].id));
  index.remove("b.txt");
  EXPECT_TRUE(index.find_words("lemons", {}, 9).empty());
  ids.clear();
  EXPECT_EQ(index.vectors(2, ids).n_rows(), 2u);
  index.check_integrity();
}

TEST(DocumentIndex, AnotherEmbedderIsRefused) {
  const TempFolder folder;
  DocumentIndex index(folder.path() / "x.db");
  index.claim({.folder = "/docs", .embedder = "mini", .fingerprint = "aa", .n_dims = 2});
  index.claim({.folder = "/docs", .embedder = "renamed", .fingerprint = "aa", .n_dims = 2});
  EXPECT_EQ(index.origin()->embedder, "renamed");
  {
    const Database other(folder.path() / "x.db");
    const Transaction writing(other);  // a claim of the same waits for nobody
    index.claim({.folder = "/docs", .embedder = "renamed", .fingerprint = "aa", .n_dims = 2});
  }
  EXPECT_EQ(
      error_of(ErrorCode::invalid_input,
               [&] {
                 index.claim(
                     {.folder = "/docs", .embedder = "maxi", .fingerprint = "bb", .n_dims = 2});
               }),
      "/docs: was indexed with the embedding model renamed (aa), not with maxi (bb); remove the "
      "index "
      "(tinyllm rag rm /docs) to make it anew");
}

TEST(DocumentIndex, WhatIsNoIndexOrDamagedIsOneClearLine) {
  const TempFolder folder;
  const auto text = folder.write("text.db", std::string(5000, 'x'));
  EXPECT_THAT(
      error_of(ErrorCode::invalid_input, [&] { DocumentIndex index(text); }),
      HasSubstr("text.db: this index is damaged (file is not a database); remove the file"));
  const auto other = folder.path() / "other.db";
  Database(other).run("CREATE TABLE a(b)");
  EXPECT_THAT(error_of(ErrorCode::invalid_input, [&] { DocumentIndex index(other); }),
              HasSubstr("other.db: is a database of another program"));
  const auto later = folder.path() / "later.db";
  static_cast<void>(DocumentIndex{later});
  Database(later).run("PRAGMA user_version = 9");
  EXPECT_THAT(error_of(ErrorCode::invalid_input, [&] { DocumentIndex index(later); }),
              HasSubstr("later.db: is an index of version 9, must be 2"));
  EXPECT_THAT(error_of(ErrorCode::io, [&] { DocumentIndex index(folder.path() / "no" / "x.db"); }),
              HasSubstr("x.db: cannot be read or written (unable to open database file)"));
}

TEST(DocumentIndex, AnOlderOneIsEmptiedAndKeepsItsOrigin) {
  const TempFolder folder;
  const auto file = folder.path() / "x.db";
  {
    DocumentIndex index(file);
    index.claim({.folder = "/docs", .embedder = "mini", .fingerprint = "aa", .n_dims = 2});
    put(index, "a.txt", {"old words"});
    const Database older(file);
    older.run(
        "DROP TABLE vectors; CREATE TABLE vectors(chunk_id INTEGER PRIMARY KEY REFERENCES "
        "chunks(id) ON DELETE CASCADE, scale REAL, bytes BLOB); PRAGMA user_version = 1;");
  }
  DocumentIndex index(file);
  EXPECT_EQ(index.documents().size(), 1u);  // whoever only lists them, loses nothing
  EXPECT_THAT(
      error_of(ErrorCode::invalid_input,
               [&] {
                 index.claim(
                     {.folder = "/docs", .embedder = "maxi", .fingerprint = "bb", .n_dims = 2});
               }),
      HasSubstr("was indexed with the embedding model mini"));
  EXPECT_EQ(index.documents().size(), 1u);  // nor does one who cannot fill it again
  index.claim({.folder = "/docs", .embedder = "mini", .fingerprint = "aa", .n_dims = 2});
  EXPECT_TRUE(index.documents().empty());
  EXPECT_EQ(index.origin()->embedder, "mini");
  put(index, "a.txt", {"new words"});
  EXPECT_TRUE(index.find_words("old", {}, 9).empty());
  index.check_integrity();
}

// Every page overwritten in turn: either nothing of it is needed, or one line says what is wrong.
TEST(DocumentIndex, ADamagedPageIsFoundAndNamed) {
  const TempFolder folder;
  const auto file = folder.path() / "x.db";
  {
    DocumentIndex index(file);
    for (int i = 0; i < 30; ++i)
      put(index, "d" + std::to_string(i), {std::string(3000, 'a') + " word"});
    Database(file).run("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  const std::string whole = read_text_file(file);
  int n_found = 0;
  for (std::size_t at = 0; at < whole.size(); at += 4096) {
    std::string damaged = whole;
    damaged.replace(at, 100, std::string(100, '\x5A'));
    const auto copy = folder.write("copy" + std::to_string(at) + ".db", damaged);
    try {
      const DocumentIndex index(copy);
      index.check_integrity();
      index.chunks();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("copy" + std::to_string(at) + ".db: "));
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos);
      ++n_found;
    }
  }
  EXPECT_GT(n_found, 20);
}

TEST(DocumentIndex, AFullDiskLeavesItWhole) {
  const TempFolder folder;
  const auto file = folder.path() / "x.db";
  DocumentIndex index(file);
  put(index, "first", {"kept words"});
  // SQLite's own limit ends in the same error as a full disk: SQLITE_FULL.
  Database other(file);
  const std::int64_t n_pages = other.integer("PRAGMA page_count");
  other.run(("PRAGMA max_page_count = " + std::to_string(n_pages + 2)).c_str());
  const auto fill = [&] {
    const Transaction transaction(other);
    Statement add = other.prepare(
        "INSERT INTO documents(path, kind, digest, n_bytes, problem) VALUES (?, 'k', 'd', 1, 'p')");
    for (int i = 0; i < 1000; ++i) add.bind(1, std::to_string(i) + std::string(500, 'x')).run();
  };
  EXPECT_THAT(error_of(ErrorCode::io, fill),
              HasSubstr("x.db: the disk is full; what was indexed before is kept"));
  EXPECT_THAT(paths(index), ElementsAre("first"));
  index.check_integrity();
}

// Whoever opens a new file switches it to WAL; the others wait for it.
TEST(DocumentIndex, ManyOpenANewFileAtOnce) {
  const TempFolder folder;
  for (int round = 0; round < 20; ++round) {
    const auto file = folder.path() / std::to_string(round);
    std::atomic<int> n_ready = 0;
    std::vector<std::string> errors(4);
    std::vector<std::thread> threads;
    for (std::string& error : errors) {
      threads.emplace_back([&] {
        ++n_ready;
        while (n_ready < 4) std::this_thread::yield();
        try {
          static_cast<void>(DocumentIndex{file});
        } catch (const Error& failure) {
          error = failure.what();
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_THAT(errors, ::testing::Each(""));
  }
}

}  // namespace
}  // namespace tinyllm

#include "retrieval/refresh.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/digest.h"
#include "base/error.h"
#include "encoder/embedder.h"
#include "retrieval/embedding_windows.h"
#include "retrieval/read_document.h"

namespace tinyllm {
namespace {

// vectors: of each chunk those of its windows. False: `go_on` said no.
bool embed(const Embedder& embedder, const std::vector<Chunk>& chunks,
           std::vector<std::vector<ByteVector>>& vectors, function_ref<bool()> go_on) {
  const auto count = [&](std::string_view text) { return std::ssize(embedder.tokenize(text)); };
  std::vector<std::vector<TokenId>> ids;
  std::vector<std::size_t> n_windows;
  for (const Chunk& chunk : chunks) {
    const std::vector<std::string> windows = embedding_windows(chunk, count);
    n_windows.push_back(windows.size());
    for (const std::string& window : windows)
      ids.push_back(embedder.surround(embedder.tokenize(window)));
  }
  const auto n_dims = static_cast<std::size_t>(embedder.n_dims());
  std::vector<float> floats(ids.size() * n_dims);
  if (!embedder.embed(ids, floats.data(), go_on)) return false;
  std::size_t at = 0;
  for (const std::size_t n : n_windows) {
    std::vector<ByteVector>& of_chunk = vectors.emplace_back();
    for (std::size_t i = 0; i < n; ++i, ++at)
      of_chunk.push_back(to_bytes(std::span(floats).subspan(at * n_dims, n_dims)));
  }
  return true;
}

// The chunks of a document; none, and a problem, where it gives no text.
std::vector<Chunk> chunks_of(const std::filesystem::path& file, const DocumentFile& document,
                             const Embedder& embedder, std::string& problem) {
  const auto count = [&](std::string_view text) { return std::ssize(embedder.tokenize(text)); };
  try {
    const DocumentText text = read_document(file, document.kind, document.path);
    return chunk_document(text, max_chunk_tokens(embedder), count);
  } catch (const Error& error) {
    problem = error.what();
    return {};
  }
}

// Is it one of these files, or a file below one of these folders?
bool is_within(const std::string& path, const std::vector<std::string>& files_and_folders) {
  return std::ranges::any_of(files_and_folders, [&](const std::string& one) {
    return path == one || path.starts_with(one + "/");
  });
}

class Refresher {
 public:
  Refresher(DocumentIndex& index, const Embedder& embedder, const RefreshWatcher& watcher,
            Unreadable unreadable)
      : index_(index), embedder_(embedder), watcher_(watcher), unreadable_(unreadable) {
    for (StoredDocument& document : index.documents()) stored_.emplace(document.path, document);
  }

  RefreshReport run(const DocumentFiles& documents) {
    std::uint64_t n_done = 0, n_total = 0;
    for (const DocumentFile& document : documents.files) n_total += document.n_bytes;
    for (const DocumentFile& document : documents.files) {
      watcher_.on_bytes(n_done, n_total);
      if (!watcher_.go_on() || !take(documents.folder, document)) {
        report_.stopped = true;
        return report_;
      }
      n_done += document.n_bytes;
    }
    for (const auto& [path, document] : stored_) {
      if (present_.contains(path) || is_within(path, documents.unreadable)) continue;
      index_.remove(path);
      ++report_.n_removed;
    }
    watcher_.on_bytes(n_total, n_total);
    return report_;
  }

 private:
  // False: it was stopped.
  bool take(const std::filesystem::path& folder, const DocumentFile& document) {
    const std::filesystem::path file = folder / document.path;
    StoredDocument fresh{.path = document.path,
                         .kind = std::string(to_string(document.kind)),
                         .digest = {},
                         .n_bytes = static_cast<std::int64_t>(document.n_bytes),
                         .problem = {},
                         .n_chunks = 0};
    try {
      fresh.digest = file_digest(file, DigestKind::sha256, [](std::uint64_t) {});
    } catch (const Error& error) {
      std::error_code code;
      const bool is_gone = std::filesystem::symlink_status(file, code).type() ==
                           std::filesystem::file_type::not_found;
      if (is_gone) return true;
      present_.insert(document.path);
      report_.problems.emplace_back(error.what());
      return true;
    }
    present_.insert(document.path);
    const auto had = stored_.find(document.path);
    const bool is_same = had != stored_.end() && had->second.digest == fresh.digest;
    if (is_same && !is_worth_reading(had->second.problem)) {
      ++report_.n_same;
      if (!had->second.problem.empty()) report_.problems.push_back(had->second.problem);
      return true;
    }
    const std::vector<Chunk> chunks = chunks_of(file, document, embedder_, fresh.problem);
    std::vector<std::vector<ByteVector>> vectors;
    if (!embed(embedder_, chunks, vectors, watcher_.go_on)) return false;
    index_.put(fresh, chunks, vectors);
    report_.n_chunks += std::ssize(chunks);
    if (!fresh.problem.empty()) report_.problems.push_back(fresh.problem);
    ++(had == stored_.end() ? report_.n_added : is_same ? report_.n_same : report_.n_changed);
    return true;
  }

  // Again, although its bytes are the same?
  bool is_worth_reading(const std::string& problem) const {
    return !problem.empty() &&
           (unreadable_ == Unreadable::try_again || problem.find(kNoPdfToText) != problem.npos);
  }

  DocumentIndex& index_;
  const Embedder& embedder_;
  const RefreshWatcher& watcher_;
  Unreadable unreadable_;
  std::map<std::string, StoredDocument> stored_;  // by path
  std::set<std::string> present_;
  RefreshReport report_;
};

}  // namespace

std::int64_t max_chunk_tokens(const Embedder& embedder) {
  constexpr std::int64_t kMost = 512;
  const std::int64_t n_tokens = std::min(kMost, embedder.max_seq_len() - embedder.n_around());
  if (n_tokens >= 16) return n_tokens;
  fail(ErrorCode::unsupported,
       "the embedding model reads {} tokens of a text, at least 16 are needed", n_tokens);
}

RefreshReport refresh(DocumentIndex& index, const DocumentFiles& documents,
                      const Embedder& embedder, const RefreshWatcher& watcher,
                      Unreadable unreadable) {
  return Refresher(index, embedder, watcher, unreadable).run(documents);
}

}  // namespace tinyllm

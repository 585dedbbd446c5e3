#include "apps/folder_index.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <span>

#include "apps/first_chat.h"
#include "apps/printable.h"
#include "apps/progress_bar.h"
#include "base/error.h"
#include "base/xxhash64.h"
#include "client/open_embedder.h"
#include "model_store/model_store.h"
#include "retrieval/refresh.h"

namespace tinyllm {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefaultEmbedder = "all-minilm-l6-v2";

void tell(const std::string& line) {
  std::fprintf(stderr, "tinyllm: %s\n", printable(line).c_str());
}

int n_other_kinds(const DocumentFiles& documents) {
  int n = 0;
  for (const auto& [extension, count] : documents.other_kinds) n += count;
  return n;
}

void tell_other_kinds(const DocumentFiles& documents) {
  if (documents.other_kinds.empty()) return;
  std::vector<std::string> kinds;
  for (const auto& [extension, count] : documents.other_kinds)
    kinds.push_back(fmt::format("{} {}", count, extension));
  const int n = n_other_kinds(documents);
  if (kinds.size() > 6) {
    kinds.resize(6);
    kinds.emplace_back("...");
  }
  tell(fmt::format("left out: {} file{} of kinds that are not read ({})", n, n == 1 ? "" : "s",
                   fmt::join(kinds, ", ")));
}

// A path, which may be relative to where this run began, in full; a name of a model as it is.
std::string lasting_name(const std::string& name) {
  const fs::path path = ModelStore().resolve(name);
  return path == fs::path(name) ? fs::absolute(path).lexically_normal().string() : name;
}

std::string plural(std::int64_t n, const char* word) {
  return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
}

}  // namespace

void add_folder_options(Command command, FolderIndexFlags& flags) {
  command.add_option("FOLDER", flags.folder, "A folder of documents, or one document")
      .type_name("")
      .required();
  command
      .add_option("--embedder", flags.embedder,
                  "The embedding model of a new index (default: all-minilm-l6-v2)")
      .type_name("NAME");
}

void add_filter_options(Command command, FilterFlags& flags, int n) {
  flags.n = n;
  command
      .add_option("--path", flags.path,
                  "Only documents whose path in the folder fits, as 'notes/*'")
      .type_name("GLOB");
  command.add_option("--type", flags.kind, "Only documents of this kind")
      .one_of({std::begin(kDocumentKinds), std::end(kDocumentKinds)});
  command.add_option("-k", flags.n, "Passages to find")
      .in_range(1, 1000)
      .type_name("N")
      .show_default();
}

SearchOptions search_options(const FilterFlags& flags) {
  return {.n = static_cast<std::size_t>(flags.n),
          .by = SearchBy::both,
          .filter = {flags.path, flags.kind}};
}

FolderIndex::FolderIndex(const FolderIndexFlags& flags) {
  std::error_code error;
  const fs::path folder = fs::canonical(flags.folder, error);
  if (error) fail(ErrorCode::not_found, "{}: no such folder or file", flags.folder);
  const fs::path file = index_file(flags.folder);
  fs::create_directories(file.parent_path(), error);
  if (error)
    fail(ErrorCode::io, "{}: cannot be made ({})", file.parent_path().string(), error.message());
  index_ = std::make_unique<DocumentIndex>(file);
  const std::optional<IndexOrigin> origin = index_->origin();
  const std::string name = !flags.embedder.empty() ? flags.embedder
                           : origin                ? origin->embedder
                                                   : kDefaultEmbedder;
  if (name == kDefaultEmbedder) pull_default_model(name);
  embedder_ =
      open_embedder(name, {.precision = EncoderPrecision::int8, .n_threads = flags.n_threads});
  index_->claim({.folder = folder.string(),
                 .embedder = lasting_name(name),
                 .fingerprint = embedder_->fingerprint(),
                 .n_dims = embedder_->n_dims()});
  bring_up_to_date(flags.folder, flags.unreadable);
}

void FolderIndex::bring_up_to_date(const std::string& folder, Unreadable unreadable) {
  const DocumentFiles documents = find_documents(folder);
  ProgressBar progress("indexing", 0, ProgressUnit::bytes);
  const auto on_bytes = [&](std::uint64_t n_done, std::uint64_t n_total) {
    progress.set_total(static_cast<std::int64_t>(n_total));
    progress.update(static_cast<std::int64_t>(n_done));
  };
  const RefreshReport report =
      refresh(*index_, documents, *embedder_, {on_bytes, [] { return true; }}, unreadable);
  progress.clear();
  const bool has_news = report.n_added + report.n_changed + report.n_removed > 0;
  for (const std::string& line : documents.refused) tell("left out: " + line);
  if (has_news || index_->n_chunks() == 0) tell_other_kinds(documents);
  for (const std::string& line : report.problems) tell("left out: " + line);
  const auto n_documents =
      static_cast<std::int64_t>(documents.files.size() - report.problems.size());
  const auto n_left_out =
      static_cast<std::int64_t>(documents.refused.size() + report.problems.size());
  summary_ = fmt::format("{}, {}; {} new, {} changed, {} removed, {} left out",
                         plural(n_documents, "document"), plural(index_->n_chunks(), "chunk"),
                         report.n_added, report.n_changed, report.n_removed,
                         n_left_out + n_other_kinds(documents));
  if (index_->n_chunks() == 0)
    fail(ErrorCode::not_found, "{}: holds no document with text (Markdown, HTML, PDF, text, code)",
         folder);
}

fs::path index_file(const std::string& folder) {
  std::error_code ignored;
  fs::path path = fs::weakly_canonical(folder, ignored);
  if (!path.has_filename()) path = path.parent_path();
  const std::string text = path.string();
  std::string name;
  for (const char c : path.filename().string())
    name += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ? c : '_';
  const std::uint64_t hash = xxhash64(std::as_bytes(std::span(text)));
  return default_model_home() / "rag" / fmt::format("{}-{:016x}.db", name.substr(0, 40), hash);
}

std::vector<fs::path> index_files() {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(default_model_home() / "rag", ignored))
    if (entry.path().extension() == ".db") files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

void remove_index(const fs::path& file) {
  // The index itself last: while it is there, it can be removed again.
  for (const char* behind : {"-wal", "-shm", ""}) {
    std::error_code error;
    fs::remove(file.string() + behind, error);
    if (error)
      fail(ErrorCode::io, "{}{}: cannot be removed ({})", file.string(), behind, error.message());
  }
}

}  // namespace tinyllm

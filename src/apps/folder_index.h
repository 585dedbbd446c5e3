#pragma once
// The index of a folder of documents as the commands use it: kept below the model home, by the
// folder's path, and brought up to date before it is asked. Main thread only.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/command.h"
#include "encoder/embedder.h"
#include "retrieval/document_index.h"
#include "retrieval/refresh.h"
#include "retrieval/search.h"

namespace tinyllm {

struct FolderIndexFlags {
  std::string folder;
  std::string embedder;  // "": the one that the index has, else all-minilm-l6-v2
  int n_threads = 0;     // 0: all physical cores
  Unreadable unreadable = Unreadable::leave;
};

// FOLDER and --embedder.
void add_folder_options(Command command, FolderIndexFlags& flags);

struct FilterFlags {
  std::string path, kind;
  int n = 5;
};
// --path, --type and -k.
void add_filter_options(Command command, FilterFlags& flags, int n);
SearchOptions search_options(const FilterFlags& flags);

class FolderIndex {
 public:
  // Opens or makes the index and opens the embedding model, which is fetched where it is the
  // default and not here. Then reads what is new; progress, and one line for each file that gives
  // no text, go to stderr. Ctrl-C ends the program; what was read so far is kept. Throws Error.
  explicit FolderIndex(const FolderIndexFlags& flags);

  const DocumentIndex& index() const { return *index_; }
  const Embedder& embedder() const { return *embedder_; }
  const std::string& summary() const { return summary_; }  // "24 documents, 310 chunks; 2 new, ..."

 private:
  void bring_up_to_date(const std::string& folder, Unreadable unreadable);

  std::unique_ptr<DocumentIndex> index_;
  std::unique_ptr<Embedder> embedder_;
  std::string summary_;
};

// The file of a folder's index, whether it exists or not, and all that exist.
std::filesystem::path index_file(const std::string& folder);
std::vector<std::filesystem::path> index_files();
// With the files that SQLite keeps beside it. Throws Error{io}.
void remove_index(const std::filesystem::path& file);

}  // namespace tinyllm

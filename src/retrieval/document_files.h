#pragma once
// Which files of a folder are documents. Any thread.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "retrieval/document_kind.h"

namespace tinyllm {

struct DocumentFile {
  std::string path;  // under the folder, with "/"
  DocumentKind kind = DocumentKind::text;
  std::uint64_t n_bytes = 0;
};

struct DocumentFiles {
  std::filesystem::path folder;            // absolute, links resolved
  std::vector<DocumentFile> files;         // by path
  std::vector<std::string> refused;        // one line a file: what it is and why it is left out
  std::vector<std::string> unreadable;     // paths of files and folders that may not be read now
  std::map<std::string, int> other_kinds;  // files whose kind is not read, by extension
};

// Of a folder and all below it, or of one file. Left out: names that begin with a dot, node_modules
// and __pycache__; links, of which those that lead out of the folder are told; files that are
// larger than max_document_bytes, and files and folders that cannot be read. Throws Error{not_found | invalid_input | io}.
DocumentFiles find_documents(const std::filesystem::path& folder_or_file);

}  // namespace tinyllm

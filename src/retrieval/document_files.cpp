#include "retrieval/document_files.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.h"
#include "retrieval/read_document.h"

namespace tinyllm {
namespace {

namespace fs = std::filesystem;

bool is_left_out(const std::string& name) {
  return name.starts_with('.') || name == "node_modules" || name == "__pycache__";
}

void add_unreadable(DocumentFiles& found, const std::string& path) {
  found.refused.push_back(fmt::format("{}: cannot be read", path));
  found.unreadable.push_back(path);
}

void add_file(DocumentFiles& found, const fs::path& file) {
  const std::string path = file.lexically_relative(found.folder).generic_string();
  const std::optional<DocumentKind> kind = document_kind(file);
  if (!kind) {
    const std::string extension = file.extension().string();
    ++found.other_kinds[extension.empty() ? "no extension" : extension];
    return;
  }
  std::error_code error;
  const std::uintmax_t n_bytes = fs::file_size(file, error);
  if (error || access(file.c_str(), R_OK) != 0) {
    add_unreadable(found, path);
  } else if (n_bytes > max_document_bytes(*kind)) {
    found.refused.push_back(fmt::format("{}: has {} MB, at most {} are read", path, n_bytes >> 20,
                                        max_document_bytes(*kind) >> 20));
  } else {
    found.files.push_back({path, *kind, n_bytes});
  }
}

void add_link(DocumentFiles& found, const fs::path& link) {
  std::error_code error;
  const fs::path target = fs::canonical(link, error);
  const std::string path = link.lexically_relative(found.folder).generic_string();
  const std::string relative = target.lexically_relative(found.folder).generic_string();
  if (error)
    found.refused.push_back(fmt::format("{}: is a link to nothing", path));
  else if (relative.starts_with(".."))
    found.refused.push_back(fmt::format("{}: is a link out of the folder", path));
}

void walk(DocumentFiles& found) {
  std::error_code error;
  fs::recursive_directory_iterator entry(found.folder, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (is_left_out(entry->path().filename().string())) {
      if (entry->is_directory(ignored)) entry.disable_recursion_pending();
    } else if (entry->is_symlink(ignored)) {
      add_link(found, entry->path());
    } else if (entry->is_regular_file(ignored)) {
      add_file(found, entry->path());
    } else if (entry->is_directory(ignored) && access(entry->path().c_str(), R_OK | X_OK) != 0) {
      add_unreadable(found, entry->path().lexically_relative(found.folder).generic_string());
      entry.disable_recursion_pending();
    }
  }
  if (error)
    fail(ErrorCode::io, "{}: cannot be listed ({})", found.folder.string(), error.message());
}

}  // namespace

DocumentFiles find_documents(const fs::path& folder_or_file) {
  std::error_code error;
  const fs::path root = fs::canonical(folder_or_file, error);
  if (error) fail(ErrorCode::not_found, "{}: no such folder or file", folder_or_file.string());
  DocumentFiles found;
  if (fs::is_directory(root)) {
    found.folder = root;
    walk(found);
  } else {
    found.folder = root.parent_path();
    add_file(found, root);
    if (!found.other_kinds.empty()) {
      fail(ErrorCode::unsupported,
           "{}: is of a kind that is not read; documents are Markdown, HTML, PDF, plain text and "
           "source code, by their extension",
           folder_or_file.string());
    }
  }
  std::ranges::sort(found.files, {}, &DocumentFile::path);
  std::ranges::sort(found.refused);
  return found;
}

}  // namespace tinyllm

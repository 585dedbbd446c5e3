#include "model_store/model_removal.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model_store/file_origin.h"
#include "model_store/folder_scan.h"
#include "model_store/gguf_file_name.h"
#include "model_store/part_file.h"

namespace tinyllm {
namespace fs = std::filesystem;
namespace {

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::symlink_status(path, error).type() == fs::file_type::directory;
}

void remove_path(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);  // of a link only the link
  if (error) fail(ErrorCode::io, "{}: cannot be removed: {}", path.string(), error.message());
}

// The file, its other pieces, and what an unfinished pull left of them.
std::vector<fs::path> files_of_gguf(const fs::path& file) {
  std::vector<fs::path> files;
  const auto split = parse_gguf_split(file.filename().string());
  std::error_code error;
  for (fs::directory_iterator it(file.parent_path(), error), end; !error && it != end;
       it.increment(error)) {
    std::string name = it->path().filename().string();
    for (const std::string_view end : {kPartEnd, kOriginEnd}) {
      if (name.ends_with(end)) name.resize(name.size() - end.size());
    }
    const auto other = parse_gguf_split(name);
    const bool is_piece = split && other && other->stem == split->stem;
    if (is_piece || name == file.filename().string()) files.push_back(it->path());
  }
  return files;
}

// "1_Pooling": a part of a sentence-transformers model.
bool is_module_folder(const fs::path& path) {
  const std::string name = path.filename().string();
  const std::size_t n_digits = std::min(name.find_first_not_of("0123456789"), name.size());
  return n_digits > 0 && name.substr(n_digits).starts_with('_') && is_folder(path);
}

// All of the folder but its GGUF files, which are models of their own.
std::vector<fs::path> files_of_folder(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    std::string name = it->path().filename().string();
    if (name.ends_with(kOriginEnd)) name.resize(name.size() - kOriginEnd.size());
    if (is_module_folder(it->path())) {
      const std::vector<fs::path> inner = files_of_folder(it->path());
      files.insert(files.end(), inner.begin(), inner.end());
      continue;
    }
    const bool other_model = name.ends_with(".gguf") || is_folder(it->path());
    if (!other_model) files.push_back(it->path());
  }
  return files;
}

void remove_empty_folders(fs::path folder, const fs::path& models) {
  while (folder != models && folder.has_relative_path()) {
    std::error_code not_empty;
    if (fs::exists(folder, not_empty) && !fs::remove(folder, not_empty)) return;
    if (not_empty) return;
    folder = folder.parent_path();
  }
}

}  // namespace

std::vector<fs::path> files_of_model(const LocalModel& model) {
  std::vector<fs::path> files =
      is_folder(model.path) ? files_of_folder(model.path) : files_of_gguf(model.path);
  std::erase_if(files, [](const fs::path& file) {
    const std::string name = file.filename().string();
    return name.ends_with(kPartEnd) || name.ends_with(kOriginEnd);
  });
  std::ranges::sort(files);
  return files;
}

void remove_model_files(const LocalModel& model, const fs::path& models) {
  if (!is_folder(model.path)) {
    for (const fs::path& file : files_of_gguf(model.path)) remove_path(file);
    return remove_empty_folders(model.path.parent_path(), models);
  }
  if (is_model_folder(model.path)) {
    for (const fs::path& file : files_of_folder(model.path)) remove_path(file);
    for (const fs::path& folder : folders_in(model.path)) {
      std::error_code not_empty;
      if (is_module_folder(folder)) fs::remove(folder, not_empty);
    }
  } else {
    remove_path(model.path);
  }
  remove_empty_folders(model.path, models);
}

}  // namespace tinyllm

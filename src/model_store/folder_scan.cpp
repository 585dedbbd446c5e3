#include "model_store/folder_scan.h"

#include <algorithm>

#include "model_store/gguf_file_name.h"

namespace tinyllm {
namespace fs = std::filesystem;
namespace {

constexpr auto kSkipDenied = fs::directory_options::skip_permission_denied;

bool is_first_piece(const std::string& file) {
  const auto split = parse_gguf_split(file);
  return !split || split->index == 1;
}

}  // namespace

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator it(folder, kSkipDenied, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code unreadable;
    if (it->is_directory(unreadable)) folders.push_back(it->path());
  }
  std::ranges::sort(folders);
  return folders;
}

std::vector<fs::path> gguf_files_in(const fs::path& folder, int depth) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, kSkipDenied, error), end; !error && it != end;
       it.increment(error)) {
    if (it.depth() + 1 >= depth) it.disable_recursion_pending();
    const fs::path file = it->path().lexically_relative(folder);
    std::error_code unreadable;
    if (is_model_gguf(file.string()) && is_first_piece(file.string()) &&
        it->is_regular_file(unreadable)) {
      files.push_back(file);
    }
  }
  std::ranges::sort(files);
  return files;
}

bool is_model_folder(const fs::path& folder) {
  std::error_code unreadable;
  return fs::is_regular_file(folder / "config.json", unreadable);
}

void add_repo(std::vector<LocalModel>& found, ModelOwner owner, const std::string& title,
              const fs::path& folder) {
  if (is_model_folder(folder)) found.push_back({owner, title, "", folder});
  constexpr int kDepth = 3;  // some repositories keep each quantisation in its own folder
  for (const fs::path& file : gguf_files_in(folder, kDepth)) {
    found.push_back({owner, title, file.string(), folder / file});
  }
}

}  // namespace tinyllm

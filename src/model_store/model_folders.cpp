#include "model_store/model_folders.h"

#include <algorithm>
#include <cstdlib>

#include "model_store/folder_scan.h"
#include "model_store/packaged_models.h"

namespace tinyllm {
namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path user_home() { return environment("HOME"); }

fs::path user_cache() {
  const fs::path xdg = environment("XDG_CACHE_HOME");
  if (xdg.is_absolute()) return xdg;
  return user_home().empty() ? fs::path() : user_home() / ".cache";
}

std::vector<LocalModel> find_own_models(const fs::path& models) {
  std::vector<LocalModel> found;
  for (const fs::path& file : gguf_files_in(models, 1)) {
    const PackagedModel* packaged = find_packaged_file(file.string());
    const std::string title = packaged ? std::string(packaged->name) : file.stem().string();
    found.push_back({ModelOwner::tinyllm, title, "", models / file});
  }
  for (const fs::path& folder : folders_in(models)) {
    const std::string org = folder.filename().string();
    if (is_model_folder(folder)) {
      found.push_back({ModelOwner::tinyllm, org, "", folder});
      continue;
    }
    for (const fs::path& repo : folders_in(folder)) {
      add_repo(found, ModelOwner::tinyllm, org + "/" + repo.filename().string(), repo);
    }
  }
  return found;
}

}  // namespace tinyllm

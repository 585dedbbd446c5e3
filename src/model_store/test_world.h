#pragma once
// For tests of this folder: a user's home of their own, thrown away at the end.

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tinyllm {

// A new empty folder that is HOME; every variable that leads elsewhere is unset. All is put back at
// the end. One at a time.
class TestWorld {
 public:
  TestWorld() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tinyllm_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    for (const char* name : {"HOME", "TINYLLM_HOME", "XDG_CACHE_HOME", "OLLAMA_MODELS", "HF_HOME",
                             "HF_HUB_CACHE", "LLAMA_CACHE"}) {
      const char* value = ::getenv(name);
      before_.emplace_back(name, value ? std::optional<std::string>(value) : std::nullopt);
      ::unsetenv(name);
    }
    ::setenv("HOME", folder_.c_str(), 1);
  }
  ~TestWorld() {
    for (const auto& [name, value] : before_) {
      value ? ::setenv(name.c_str(), value->c_str(), 1) : ::unsetenv(name.c_str());
    }
    std::filesystem::remove_all(folder_);
  }
  TestWorld(const TestWorld&) = delete;
  TestWorld& operator=(const TestWorld&) = delete;

  const std::filesystem::path& folder() const { return folder_; }

  // Makes the file and the folders above it; returns its path.
  std::filesystem::path write(const std::filesystem::path& file, std::string_view content) const {
    const std::filesystem::path path = folder_ / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    return path;
  }

 private:
  std::filesystem::path folder_;
  std::vector<std::pair<std::string, std::optional<std::string>>> before_;
};

}  // namespace tinyllm

#pragma once
// A fresh folder among the system's temporary files that goes away with the object. One owner.

#include <filesystem>

namespace tinyllm {

class TemporaryFolder {
 public:
  TemporaryFolder();  // throws Error{io}
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace tinyllm

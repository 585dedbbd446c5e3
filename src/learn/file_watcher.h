#pragma once
// Notices when a file was saved: by inotify on its folder where the file system supports that, else
// by a look every 300 ms. One thread.

#include <cstdint>
#include <filesystem>

namespace tinyllm::learn {

class FileWatcher {
 public:
  explicit FileWatcher(std::filesystem::path file);
  ~FileWatcher();
  FileWatcher(const FileWatcher&) = delete;
  FileWatcher& operator=(const FileWatcher&) = delete;

  // For poll() beside other descriptors; -1 when the file system reports nothing.
  int descriptor() const { return descriptor_; }
  // How long a poll() may wait at most before changed() must be asked; -1: for ever.
  int timeout_ms() const;
  // Whether the file is another one than at the last call.
  bool changed();

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  std::int64_t stamp_ = 0;
};

}  // namespace tinyllm::learn

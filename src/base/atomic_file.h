#pragma once
// A file that is there whole or not at all: written beside its place under a temporary name,
// synced, and renamed over it at the end. One thread.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace tinyllm {

class AtomicFile {
 public:
  // Every function but the destructor throws Error{io} that names the path and the system's reason
  // (disk full, no permission).
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();  // without commit(): nothing stays
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::string_view bytes);
  void commit();

 private:
  [[noreturn]] void fail_io(int reason) const;

  std::filesystem::path path_;
  std::string temporary_;
  int fd_ = -1;
};

}  // namespace tinyllm

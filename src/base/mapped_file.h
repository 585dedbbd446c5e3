#pragma once
// A file mapped read-only into memory. Owns the mapping; move only; the bytes stay valid until it
// dies. Any thread may read the bytes.

#include <cstddef>
#include <filesystem>
#include <span>

namespace tinyllm {

class MappedFile {
 public:
  MappedFile() = default;
  // Throws Error{not_found} or Error{io} that names the path. An empty file maps to zero bytes.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Drops the whole pages within `bytes`, which lie in a MappedFile, from this process's memory. The
// file's content stays readable there; the system may keep it cached.
void release_pages(std::span<const std::byte> bytes);

}  // namespace tinyllm

#pragma once
// A file that is still coming in: it grows as TARGET.part and gets its name only when it is
// complete, so that nobody ever sees half of it. What a broken download leaves stays, and the next
// one goes on from there. Owns the descriptor. One thread; the model's lock keeps other pulls away.

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace tinyllm {

constexpr std::string_view kPartEnd = ".part";

class PartFile {
 public:
  // Makes the folders above, opens or creates the .part file;
  // writes go to its end. Throws Error{io}.
  explicit PartFile(std::filesystem::path target);
  ~PartFile();
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  std::uint64_t size() const { return size_; }
  const std::filesystem::path& path() const { return path_; }  // of the .part file

  // Throws Error{io} that names the file and the system's reason (disk full, ...).
  void write(std::string_view bytes);
  // Back to zero bytes.
  void restart();
  // Syncs and renames to the target. Throws Error{io}.
  void publish();
  // Deletes the .part file.
  void discard();

 private:
  std::filesystem::path target_;
  std::filesystem::path path_;
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

// Throws Error{io} with numbers when the disk of `folder`
// (which exists) has less than `wanted` bytes free.
void check_free_space(const std::filesystem::path& folder, std::uint64_t wanted);

// Makes the folder and those above. Throws Error{io}.
void make_folders(const std::filesystem::path& folder);

}  // namespace tinyllm

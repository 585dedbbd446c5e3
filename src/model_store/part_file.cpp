#include "model_store/part_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace tinyllm {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail_write(const fs::path& path, int reason) {
  const bool full = reason == ENOSPC || reason == EDQUOT || reason == EFBIG;
  fail(ErrorCode::io, "{}: cannot be written: {}{}", path.string(), std::strerror(reason),
       full ? "; free some space or set TINYLLM_HOME to a larger disk" : "");
}

double to_mb(std::uint64_t n_bytes) { return static_cast<double>(n_bytes) / 1e6; }

}  // namespace

PartFile::PartFile(fs::path target)
    : target_(std::move(target)), path_(target_.string() + std::string(kPartEnd)) {
  make_folders(path_.parent_path());
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  struct stat status {};
  if (fd_ < 0 || ::fstat(fd_, &status) != 0) fail_write(path_, errno);
  size_ = static_cast<std::uint64_t>(status.st_size);
}

PartFile::~PartFile() {
  if (fd_ >= 0) ::close(fd_);
}

void PartFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_write(path_, errno);
    bytes.remove_prefix(n);
    size_ += static_cast<std::uint64_t>(n);
  }
}

void PartFile::restart() {
  if (::ftruncate(fd_, 0) != 0) fail_write(path_, errno);
  size_ = 0;
}

void PartFile::publish() {
  if (::fsync(fd_) != 0) fail_write(path_, errno);
  if (::rename(path_.c_str(), target_.c_str()) != 0) fail_write(target_, errno);
}

void PartFile::discard() { ::unlink(path_.c_str()); }

void check_free_space(const fs::path& folder, std::uint64_t wanted) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error || space.available >= wanted) return;  // unknown: the writes will tell
  fail(ErrorCode::io,
       "{}: the disk has {:.0f} MB free, this needs {:.0f} MB; free some space or set TINYLLM_HOME "
       "to a larger disk",
       folder.string(), to_mb(space.available), to_mb(wanted));
}

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail(ErrorCode::io, "{}: cannot be made: {}", folder.string(), error.message());
}

}  // namespace tinyllm

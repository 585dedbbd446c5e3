#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace tinyllm {

AtomicFile::AtomicFile(const std::filesystem::path& path)
    : path_(path), temporary_(path.string() + ".XXXXXX") {
  fd_ = ::mkostemp(temporary_.data(), O_CLOEXEC);
  if (fd_ < 0) fail_io(errno);
  if (::fchmod(fd_, 0644) == 0) return;
  const int reason = errno;
  ::close(fd_);
  ::unlink(temporary_.c_str());
  fail_io(reason);
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_io(errno);
    bytes.remove_prefix(n);
  }
}

void AtomicFile::commit() {
  if (::fsync(fd_) != 0) fail_io(errno);
  if (::close(std::exchange(fd_, -1)) == 0 && ::rename(temporary_.c_str(), path_.c_str()) == 0)
    return;
  const int reason = errno;
  ::unlink(temporary_.c_str());
  fail_io(reason);
}

void AtomicFile::fail_io(int reason) const {
  fail(ErrorCode::io, "{}: cannot be written: {}", path_.string(), std::strerror(reason));
}

}  // namespace tinyllm

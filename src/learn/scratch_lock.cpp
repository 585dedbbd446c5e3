#include "learn/scratch_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/error.h"

namespace tinyllm::learn {
namespace {

int n_held = 0;  // by this process
int descriptor = -1;

}  // namespace

ScratchLock::ScratchLock(const CoursePaths& paths) {
  if (n_held > 0) {
    n_held += 1;
    return;
  }
  std::error_code error;
  std::filesystem::create_directories(paths.scratch(), error);
  const std::filesystem::path file = paths.scratch() / "lock";
  descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    fail(ErrorCode::io, "cannot write {}: {}", file.string(), std::strerror(errno));
  }
  while (::flock(descriptor, LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    const int reason = errno;
    ::close(descriptor);
    fail(ErrorCode::io, "cannot lock {}: {}", file.string(), std::strerror(reason));
  }
  n_held = 1;
}

ScratchLock::~ScratchLock() {
  n_held -= 1;
  if (n_held == 0) ::close(descriptor);
}

}  // namespace tinyllm::learn

#include "learn/scratch_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/error.h"
#include "learn/screen.h"

namespace tinyllm::learn {
namespace {

constexpr int kQuietTries = 50;  // about half a second: as long as nobody asks why nothing happens
constexpr int kPollMs = 10;

int n_held = 0;  // by this process
int descriptor = -1;

// False when it cannot be locked; errno says why.
bool lock_now_or_later() {
  for (int tries = 0; tries < kQuietTries; ++tries) {
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return true;
    if (errno != EWOULDBLOCK && errno != EINTR) return false;
    ::poll(nullptr, 0, kPollMs);
  }
  say_aside("waiting for another 'tinyllm learn' that works in this folder ...\n");
  while (::flock(descriptor, LOCK_EX) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

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
  if (!lock_now_or_later()) {
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

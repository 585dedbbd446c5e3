#include "model_store/model_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "model_store/part_file.h"

namespace tinyllm {

ModelLock::ModelLock(const std::filesystem::path& folder, const std::string& model,
                     function_ref<bool()> on_wait) {
  make_folders(folder);
  std::string file = model;
  std::ranges::replace(file, '/', ',');  // a comma is in no model's name
  const std::filesystem::path path = folder / (file + ".lock");
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) {
    fail(ErrorCode::io, "{}: cannot be made: {}", path.string(), std::strerror(errno));
  }
  while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    const int reason = errno;
    if (reason == EINTR) continue;
    if (reason == EWOULDBLOCK && on_wait()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      continue;
    }
    ::close(fd_);
    if (reason == EWOULDBLOCK) fail(ErrorCode::io, "{}: another process is pulling it", model);
    fail(ErrorCode::io, "{}: cannot be locked: {}", path.string(), std::strerror(reason));
  }
}

ModelLock::~ModelLock() { ::close(fd_); }

}  // namespace tinyllm

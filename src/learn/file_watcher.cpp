#include "learn/file_watcher.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace tinyllm::learn {
namespace {

constexpr int kLookEveryMs = 300;

// Network and shared folders (NFS, SMB, 9p of WSL and virtual machines, FUSE, VirtualBox): a change
// from the other side raises no event.
bool tells_nothing(const std::filesystem::path& folder) {
  struct statfs system {};
  if (::statfs(folder.c_str(), &system) != 0) return true;
  for (const unsigned long magic :
       {0x6969ul, 0x517Bul, 0xFF534D42ul, 0xFE534D42ul, 0x01021997ul, 0x65735546ul, 0x786F4256ul}) {
    if (static_cast<unsigned long>(system.f_type) == magic) return true;
  }
  return false;
}

// Changes with every save; 0: no such file.
std::int64_t time_stamp(const std::filesystem::path& file) {
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return 0;
  return (static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 +
          status.st_mtim.tv_nsec) ^
         (static_cast<std::int64_t>(status.st_ino) << 1);
}

}  // namespace

FileWatcher::FileWatcher(std::filesystem::path file) : file_(std::move(file)) {
  stamp_ = time_stamp(file_);
  if (std::getenv("TINYLLM_LEARN_POLL") != nullptr || tells_nothing(file_.parent_path())) return;
  descriptor_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor_ >= 0 && ::inotify_add_watch(descriptor_, file_.parent_path().c_str(),
                                              IN_CLOSE_WRITE | IN_MOVED_TO) < 0) {
    ::close(descriptor_);
    descriptor_ = -1;
  }
}

FileWatcher::~FileWatcher() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

int FileWatcher::timeout_ms() const { return descriptor_ >= 0 ? -1 : kLookEveryMs; }

bool FileWatcher::changed() {
  if (descriptor_ >= 0) {
    std::array<char, 4096> events;
    while (::read(descriptor_, events.data(), events.size()) > 0) {
    }
  }
  const std::int64_t stamp = time_stamp(file_);
  const bool is_new = stamp != stamp_ && stamp != 0;
  stamp_ = stamp;
  return is_new;
}

}  // namespace tinyllm::learn

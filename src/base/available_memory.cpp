#include "base/available_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace tinyllm {
namespace {

constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();

// The number that a file holds, or the one after `key` in a file of "key value" lines.
std::optional<std::int64_t> read_number(const char* path, const std::string& key = "") {
  std::ifstream file(path);
  if (!key.empty()) {
    std::string word;
    while (file >> word && word != key) {
      file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    }
  }
  std::int64_t value = 0;
  if (!(file >> value)) return std::nullopt;
  return value;
}

// What `ulimit -v` leaves of the address space; mapped files count there too.
std::int64_t address_space_left() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kUnknown;
  const std::int64_t used = read_number("/proc/self/statm").value_or(0) * ::sysconf(_SC_PAGESIZE);
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(limit.rlim_cur) - used);
}

}  // namespace

std::int64_t available_memory_bytes() {
  std::int64_t available = kUnknown;
  if (const auto kilobytes = read_number("/proc/meminfo", "MemAvailable:"))
    available = *kilobytes * 1024;
  // Control group version 2. "max" instead of a number: no limit. File pages on the inactive list
  // are counted as used but can be dropped.
  const auto limit = read_number("/sys/fs/cgroup/memory.max");
  const auto used = read_number("/sys/fs/cgroup/memory.current");
  if (limit && used) {
    const auto droppable = read_number("/sys/fs/cgroup/memory.stat", "inactive_file").value_or(0);
    available = std::min(available, std::max<std::int64_t>(0, *limit - *used + droppable));
  }
  return std::min(available, address_space_left());
}

}  // namespace tinyllm

#include "base/available_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "base/cgroup_memory.h"
#include "base/number_file.h"

namespace tinyllm {
namespace {

constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::max();

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
  available = std::min(available, cgroup_memory_left().value_or(kUnknown));
  return std::min(available, address_space_left());
}

}  // namespace tinyllm

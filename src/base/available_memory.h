#pragma once
// How much memory this process may still take, for checks that come before a large allocation:
// Linux grants nearly any allocation and kills the process when it is used. Any thread.

#include <cstdint>

namespace tinyllm {

// Bytes that can be had without swapping: the least of what the system has (free memory and caches
// that it can drop), what its control groups leave (cgroup_memory.h) and what `ulimit -v` leaves.
// The largest int64 where none of them can be read.
std::int64_t available_memory_bytes();

}  // namespace tinyllm

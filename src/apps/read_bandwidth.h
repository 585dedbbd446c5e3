#pragma once
// How fast this machine reads memory now: the bound of decoding, which reads every weight once a
// token. Main thread only.

#include <cstdint>

#include "base/thread_pool.h"

namespace tinyllm {

// Bytes of a buffer that no cache holds: at least 256 MB, and twice the last-level cache where the
// memory suffices.
std::int64_t uncached_bytes();

// Bytes a second: the best of a few passes of all workers over uncached_bytes(). It takes about a
// second. On shared machines it moves from minute to minute: measure it beside what is compared
// with it.
double measure_read_bandwidth(ThreadPool& pool);

}  // namespace tinyllm

#pragma once
// How far ahead of its use a linear stream of weights is asked for.

#include <cstdint>

namespace tinyllm {

// Bytes. The hardware's own prefetching stops at 4 KiB pages; how far is best depends on the maker
// (docs/performance.md, Fetching ahead).
extern const std::int64_t kFetchAhead;

}  // namespace tinyllm

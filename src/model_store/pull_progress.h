#pragma once
// How a pull reports its progress, and how the caller stops it.

#include <cstdint>
#include <string_view>

#include "base/function_ref.h"

namespace tinyllm {

struct PullProgress {
  std::string_view step;          // "downloading", "joining the parts", ...
  std::uint64_t bytes_done = 0;   // of this step; it may start above 0 (a resumed pull)
  std::uint64_t bytes_total = 0;  // 0: not known
};

// Called several times a second from the pulling thread. False stops the pull, which then throws
// Error{io}; what is complete so far is kept for the next try.
using PullWatcher = function_ref<bool(const PullProgress&)>;

}  // namespace tinyllm

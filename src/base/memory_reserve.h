#pragma once
// Memory for the time when there is none. Some destructors need a little (nlohmann's JSON does), and
// one that gets none while an exception passes ends the process. Any thread.

#include <cstddef>

namespace tinyllm {

// From now on so many bytes are set aside. Where memory runs out they are given up, but only for
// what cleans up behind an exception: everybody else gets std::bad_alloc as ever.
void keep_memory_reserve(std::size_t n_bytes);

// Sets them aside again, if they were given up and there is memory. Cheap: call it now and then.
void refill_memory_reserve();

}  // namespace tinyllm

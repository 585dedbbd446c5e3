#pragma once
// Which tiny-llm this is. Any thread.

#include <cstdint>
#include <string_view>

namespace tinyllm {

std::string_view version();  // "0.1.0"

// A number for this very build, however it was started: of the build id that the linker made of all
// code and constants; 0 where it made none.
std::uint64_t build_id();

}  // namespace tinyllm

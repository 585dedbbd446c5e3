#pragma once
// Which tiny-llm this is. Any thread.

#include <cstdint>
#include <string_view>

namespace tinyllm {

std::string_view version();  // "0.1.0"

// A number for this very build: the checksum of the program's code and constants as they lie in
// memory, however it was started; 0 where the system does not show them. Reads them each time.
std::uint64_t build_id();

}  // namespace tinyllm

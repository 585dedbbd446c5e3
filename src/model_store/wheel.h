#pragma once
// A Python wheel is a zip file: this copies one of its members out, piece by piece. Any thread.

#include <filesystem>
#include <string>
#include <string_view>

#include "base/function_ref.h"

namespace tinyllm {

// Calls `sink` with the member's bytes in order. Throws Error{invalid_input} when the wheel is no
// zip file, has no such member, or its bytes do not match the checksum (CRC-32) that the zip file
// keeps; what `sink` got before is then void.
void read_wheel_member(const std::filesystem::path& wheel, const std::string& member,
                       function_ref<void(std::string_view)> sink);

}  // namespace tinyllm

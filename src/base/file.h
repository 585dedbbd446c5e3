#pragma once
// Whole small files: read one into a string, replace one
// so that a reader never sees half of it. Any thread.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace tinyllm {

// Throws Error{not_found | io}; Error{invalid_input} when the file is larger than `max_bytes`.
std::string read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes = 1ull << 30);

// All of it or none, as base/atomic_file.h; throws as that does.
void write_file_atomic(const std::filesystem::path& path, std::string_view content);

}  // namespace tinyllm

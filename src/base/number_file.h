#pragma once
// Numbers that the Linux kernel shows in small files below /proc and /sys. Any thread.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace tinyllm {

// The number that a file holds, or the one after `key` in a file of "key value" lines. Empty where
// there is no such file, key or number.
std::optional<std::int64_t> read_number(const std::filesystem::path& path,
                                        const std::string& key = "");

}  // namespace tinyllm

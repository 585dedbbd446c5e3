#pragma once
// What a control group leaves of the memory:
// the limit of a container, or of a systemd unit (`MemoryMax=`). Any thread.

#include <cstdint>
#include <filesystem>
#include <optional>

namespace tinyllm {

// Bytes that this process may still take: the least that its own group or any group above it
// leaves, in version 2 (unified) and version 1 hierarchies alike. Cached file pages that a group
// can drop count as free. Empty where no group has a limit. `root` is where /proc and /sys are
// looked for: tests give a folder of their own.
std::optional<std::int64_t> cgroup_memory_left(const std::filesystem::path& root = "/");

}  // namespace tinyllm

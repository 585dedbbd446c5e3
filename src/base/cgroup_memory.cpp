#include "base/cgroup_memory.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/number_file.h"

namespace tinyllm {
namespace {

namespace fs = std::filesystem;

// The files of one level, by the version of the hierarchy.
struct Names {
  const char *limit, *used, *droppable_key;
};
constexpr Names kVersion2 = {"memory.max", "memory.current", "inactive_file"};
constexpr Names kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                             "total_inactive_file"};
// A group of version 1 without a limit says a number near 2^63.
constexpr std::int64_t kNoLimit = std::int64_t{1} << 60;

// A hierarchy that knows memory: where it is mounted,
// which of its groups is mounted there, and this process's group in it.
struct Hierarchy {
  Names names;
  fs::path mount_point, mounted_group, group;
};

bool holds_word(const std::string& list, const std::string& word) {
  std::istringstream words(list);
  std::string one;
  while (std::getline(words, one, ',')) {
    if (one == word) return true;
  }
  return false;
}

// Lines of /proc/self/cgroup: `id:controllers:group`; id 0 and no controllers: version 2.
std::optional<fs::path> group_of(const fs::path& root, bool version_2) {
  std::ifstream file(root / "proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version_2 ? line.starts_with("0::") : holds_word(controllers, "memory"))
      return line.substr(second + 1);
  }
  return std::nullopt;
}

// Lines of /proc/self/mountinfo: `id parent device group mount_point options ... - type source
// options`; those of version 1 name their controllers among the last options.
std::vector<Hierarchy> hierarchies(const fs::path& root) {
  std::vector<Hierarchy> found;
  std::ifstream file(root / "proc/self/mountinfo");
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t dash = line.find(" - ");
    if (dash == line.npos) continue;
    std::string id, parent, device, mounted_group, mount_point, type, source, options;
    std::istringstream(line.substr(0, dash)) >> id >> parent >> device >> mounted_group >>
        mount_point;
    std::istringstream(line.substr(dash + 3)) >> type >> source >> options;
    const bool version_2 = type == "cgroup2";
    if (!version_2 && !(type == "cgroup" && holds_word(options, "memory"))) continue;
    const auto group = group_of(root, version_2);
    if (!group) continue;
    found.push_back({version_2 ? kVersion2 : kVersion1,
                     root / fs::path(mount_point).relative_path(), mounted_group, *group});
  }
  return found;
}

std::optional<std::int64_t> left_at(const fs::path& folder, const Names& names) {
  const auto limit = read_number(folder / names.limit);  // "max" is no number: no limit
  const auto used = read_number(folder / names.used);
  if (!limit || !used || *limit >= kNoLimit) return std::nullopt;
  const std::int64_t droppable =
      read_number(folder / "memory.stat", names.droppable_key).value_or(0);
  return std::max<std::int64_t>(0, *limit - *used + droppable);
}

// The groups from the process's own up to the mounted one, which is the folder itself. A container
// may not see its own group under the mount point: then what is mounted is the group.
std::vector<fs::path> folders_upward(const Hierarchy& hierarchy) {
  std::vector<fs::path> folders;
  fs::path below = hierarchy.group.lexically_relative(hierarchy.mounted_group);
  if (below.empty() || *below.begin() == "..") below = hierarchy.group.relative_path();
  for (; !below.empty() && below != "."; below = below.parent_path())
    folders.push_back(hierarchy.mount_point / below);
  folders.push_back(hierarchy.mount_point);
  return folders;
}

}  // namespace

std::optional<std::int64_t> cgroup_memory_left(const fs::path& root) {
  std::optional<std::int64_t> least;
  for (const Hierarchy& hierarchy : hierarchies(root)) {
    for (const fs::path& folder : folders_upward(hierarchy)) {
      const auto left = left_at(folder, hierarchy.names);
      if (left && (!least || *left < *least)) least = left;
    }
  }
  return least;
}

}  // namespace tinyllm

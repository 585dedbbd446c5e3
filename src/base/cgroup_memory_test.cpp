#include "base/cgroup_memory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace tinyllm {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVersion2Mount =
    "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
constexpr const char* kVersion1Mounts =
    "31 25 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
    "32 25 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";

// A /proc and a /sys of the test's own.
class CgroupMemory : public testing::Test {
 protected:
  CgroupMemory()
      : root_(fs::temp_directory_path() /
              ("tinyllm-cgroup-" +
               std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) +
               std::to_string(::getpid()))) {}
  ~CgroupMemory() override { fs::remove_all(root_); }

  void write(const fs::path& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  void group_2(const fs::path& folder, const std::string& limit, std::int64_t used,
               std::int64_t droppable) {
    write(folder / "memory.max", limit + "\n");
    write(folder / "memory.current", std::to_string(used) + "\n");
    write(folder / "memory.stat", "anon 5\ninactive_file " + std::to_string(droppable) + "\n");
  }
  void group_1(const fs::path& folder, const std::string& limit, std::int64_t used) {
    write(folder / "memory.limit_in_bytes", limit + "\n");
    write(folder / "memory.usage_in_bytes", std::to_string(used) + "\n");
    write(folder / "memory.stat", "inactive_file 7\ntotal_inactive_file 10\n");
  }
  std::optional<std::int64_t> left() const { return cgroup_memory_left(root_); }

  fs::path root_;
};

TEST_F(CgroupMemory, NoGroupsAndNoLimits) {
  EXPECT_EQ(left(), std::nullopt);
  write("proc/self/mountinfo", kVersion2Mount);
  write("proc/self/cgroup", "0::/user.slice\n");
  EXPECT_EQ(left(), std::nullopt);
  group_2("sys/fs/cgroup/user.slice", "max", 100, 0);
  EXPECT_EQ(left(), std::nullopt);
}

// `systemd-run -p MemoryMax=...`: the limit is not at the mount point but at the unit's own group.
TEST_F(CgroupMemory, TheLimitOfAUnit) {
  write("proc/self/mountinfo", kVersion2Mount);
  write("proc/self/cgroup", "0::/system.slice/tiny.service\n");
  group_2("sys/fs/cgroup/system.slice/tiny.service", "1000", 300, 50);
  EXPECT_EQ(left(), 750);
}

TEST_F(CgroupMemory, TheLeastOfAllAncestors) {
  write("proc/self/mountinfo", kVersion2Mount);
  write("proc/self/cgroup", "0::/a/b/c\n");
  group_2("sys/fs/cgroup/a/b/c", "max", 10, 0);
  group_2("sys/fs/cgroup/a/b", "1000", 900, 0);
  group_2("sys/fs/cgroup/a", "5000", 1000, 0);
  EXPECT_EQ(left(), 100);
  group_2("sys/fs/cgroup/a", "5000", 5200, 0);  // over its limit: nothing is left
  EXPECT_EQ(left(), 0);
}

// A container sees its group as the root of what is mounted.
TEST_F(CgroupMemory, InAContainer) {
  write("proc/self/mountinfo", kVersion2Mount);
  write("proc/self/cgroup", "0::/\n");
  group_2("sys/fs/cgroup", "2000", 500, 0);
  EXPECT_EQ(left(), 1500);
  // Without a name space of its own it sees the host's path, and the mount tells which group it is.
  write("proc/self/mountinfo", "30 25 0:26 /docker/ab /sys/fs/cgroup rw - cgroup2 cgroup rw\n");
  write("proc/self/cgroup", "0::/docker/ab\n");
  EXPECT_EQ(left(), 1500);
}

TEST_F(CgroupMemory, Version1) {
  write("proc/self/mountinfo", kVersion1Mounts);
  write("proc/self/cgroup", "4:cpu,cpuacct:/other\n7:memory:/docker/ab\n");
  group_1("sys/fs/cgroup/memory", "9223372036854771712", 1);
  group_1("sys/fs/cgroup/memory/docker/ab", "3000", 1000);
  EXPECT_EQ(left(), 2010);
  group_1("sys/fs/cgroup/memory/docker", "1500", 1000);
  EXPECT_EQ(left(), 510);
}

}  // namespace
}  // namespace tinyllm

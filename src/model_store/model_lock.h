#pragma once
// One pull of a model at a time, over all processes of this machine: an flock(2) on a file of its
// own, freed by the system even when the process is killed. Owns the lock.

#include <filesystem>
#include <string>

#include "base/function_ref.h"

namespace tinyllm {

class ModelLock {
 public:
  // Waits while another process has it; calls `on_wait` about five times a second then, false gives
  // up. Throws Error{io} when the file cannot be made, or when it gave up.
  ModelLock(const std::filesystem::path& folder, const std::string& model,
            function_ref<bool()> on_wait);
  ~ModelLock();
  ModelLock(const ModelLock&) = delete;
  ModelLock& operator=(const ModelLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace tinyllm

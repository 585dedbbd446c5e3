#pragma once
// Fetches a model with a progress bar for each step. Main thread only.

#include <filesystem>
#include <string>
#include <vector>

#include "model_store/model_store.h"

namespace tinyllm {

// The path of the model; at once when it is complete already. Ctrl-C stops it; what is complete so
// far is kept for the next try. Throws Error.
std::filesystem::path pull_model(const std::string& name);

// ModelStore::verify with such bars.
std::vector<VerifiedFile> verify_model(const std::string& name);

}  // namespace tinyllm

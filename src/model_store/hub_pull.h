#pragma once
// Fetches a model from a Hugging Face hub: asks for the list of files, chooses, downloads each with
// resume, checks size and checksum. One thread; the caller holds the model's lock.

#include <filesystem>
#include <string>

#include "model_store/hub_files.h"
#include "model_store/pull_progress.h"

namespace tinyllm {

struct HubAccess {
  std::string endpoint;  // "https://huggingface.co", no slash at the end
  std::string token;     // may be empty
  int stall_s = 20;      // a connection that brings nothing for so long is dead
};

// $HF_ENDPOINT, $HF_TOKEN, $TINYLLM_STALL_S. Throws Error{invalid_input} on a malformed one.
HubAccess hub_access_from_environment();

// Puts the files under `models`/ORG/REPO and returns the GGUF file (the first piece), or that
// folder for a safetensors model. Files that are complete are not fetched again. Throws
// Error{network | not_found | invalid_input | unsupported | io}.
std::filesystem::path pull_from_hub(const HubAccess& access, const HubReference& reference,
                                    const std::filesystem::path& models, PullWatcher watcher);

}  // namespace tinyllm

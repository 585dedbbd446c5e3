#pragma once
// Deletes what belongs to one own model and nothing else. Any thread.

#include <filesystem>

#include "model_store/local_model.h"

namespace tinyllm {

// `models` is the folder of own models, which stays. A GGUF file is deleted with its pieces, a
// safetensors folder with everything but the GGUF files in it, an unfinished model with its folder;
// folders that are empty then are deleted too. Throws Error{io}.
void remove_model_files(const LocalModel& model, const std::filesystem::path& models);

}  // namespace tinyllm

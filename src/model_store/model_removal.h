#pragma once
// Deletes what belongs to one own model and nothing else. Any thread.

#include <filesystem>
#include <vector>

#include "model_store/local_model.h"

namespace tinyllm {

// The files that a model consists of, sorted; records of their origin and unfinished downloads are
// not among them.
std::vector<std::filesystem::path> files_of_model(const LocalModel& model);

// `models` is the folder of own models, which stays. A GGUF file is deleted with its pieces, a
// safetensors folder with everything but the GGUF files in it, an unfinished model with its folder;
// folders that are empty then are deleted too. Throws Error{io}.
void remove_model_files(const LocalModel& model, const std::filesystem::path& models);

}  // namespace tinyllm

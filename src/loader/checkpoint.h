#pragma once
// One view over the two ways in which models are published:
// a GGUF file (or its first split) and a Hugging Face folder. Opening maps the files
// and checks every count, offset and length; no weight is read or copied. Owns the mappings:
// every Tensor that it hands out dies with it. Move only. Any thread may read.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "loader/model_config.h"
#include "loader/tensor_map.h"
#include "loader/weight_names.h"
#include "tensor/buffer.h"

namespace tinyllm {

struct ContextSettings;   // loader/context_settings.h
class GgufFile;           // loader/gguf_file.h
class HuggingFaceFolder;  // loader/hf_folder.h

enum class CheckpointFormat { gguf, hugging_face, random };

class Checkpoint {
 public:
  // A .gguf file, a folder with config.json, or "random:SHAPE:FORMAT"
  // (loader/random_checkpoint.h). Throws Error{not_found | invalid_input | unsupported | io}; the
  // message names file, field, found, wanted.
  static Checkpoint open(const std::filesystem::path& path);

  // A model that lives in memory (random weights, tests): format random,
  // `name` as its path, tensors under Hugging Face names and split_halves pairing.
  // `buffers` own the tensors' bytes. Validates the config.
  static Checkpoint from_memory(const std::string& name, ModelConfig config, TensorMap tensors,
                                std::vector<Buffer> buffers);

  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;
  ~Checkpoint();

  CheckpointFormat format() const;
  const std::filesystem::path& path() const;
  const ModelConfig& config() const;
  // From here on the config is what a run wants (loader/context_settings.h). Throws Error{usage |
  // invalid_input}.
  void set_context(const ContextSettings& settings);

  // What no Tensor can hold; empty but for Hugging Face folders.
  const UnreadTensors& unread_tensors() const;
  // Tensors under the names that the file uses, each [n_rows, n_cols] or [n]. Rows may have any
  // alignment: the file decides.
  const TensorMap& tensors() const;
  WeightNaming naming() const;
  // nullptr when there is none.
  const Tensor* find(std::string_view name) const;
  // Releases the pages of a tensor that has been used. Reading them again works, but is slower.
  // Models in memory keep theirs.
  void release(const Tensor& tensor) const;
  std::int64_t file_bytes() const;  // all files together; of a model in memory, all buffers

  // The container behind the view, nullptr when it is the other one. For those who read the
  // tokenizer and the template.
  const GgufFile* gguf() const;
  const HuggingFaceFolder* hugging_face() const;

 private:
  struct State;
  explicit Checkpoint(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tinyllm

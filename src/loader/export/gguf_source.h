#pragma once
// What a GGUF file is written from: keys, and tensors under GGUF's names. A GGUF file gives its
// own; any other model is translated, while its weights stay where they are. Looks into the
// checkpoint, which must outlive it. Move only; any thread may read.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loader/checkpoint.h"
#include "loader/export/gguf_keys.h"
#include "loader/model_weights.h"
#include "tensor/buffer.h"

namespace tinyllm {

struct GgufTensorSource {
  std::string name;
  Tensor tensor;
  // 0: rows are written in their order. Else each run of so many rows is a head in split halves,
  // and is written with the rows of a pair side by side (RopePairing::interleaved).
  std::int64_t interleaved_head_dim = 0;
  // Of the experts of a layer: their matrices, one behind the other, of which `tensor` is only the
  // format and the shape. Else empty.
  std::vector<Tensor> stacked = {};

  // Where row `i` of the file lies in the tensor.
  std::int64_t row(std::int64_t i) const;
  // Whether the file's rows lie side by side in their order.
  bool is_contiguous() const { return interleaved_head_dim == 0 && stacked.empty(); }
  const std::byte* data_of_row(std::int64_t i) const;
};

class GgufSource {
 public:
  // Throws Error{unsupported} for a tokenizer, stop tokens or a RoPE setting that GGUF
  // cannot express, and as bind_weights, load_tokenizer and load_generation_defaults.
  explicit GgufSource(const Checkpoint& checkpoint);

  const GgufMetadata& metadata() const { return keys_ ? keys_->metadata() : *metadata_; }
  const std::vector<GgufTensorSource>& tensors() const { return tensors_; }

 private:
  void add_text_keys(const Checkpoint& checkpoint);
  void add_weights(const Checkpoint& checkpoint);
  void add_moe(const MoeWeights& weights, std::int64_t layer);
  void add_layer(const LayerWeights& weights, std::int64_t layer, std::int64_t interleaved);
  void add_vector(std::string name, std::vector<float> values);

  const GgufMetadata* metadata_ = nullptr;  // of the file, when it is one
  std::optional<GgufKeys> keys_;            // else
  ModelWeights weights_;
  std::vector<Buffer> vectors_;  // those that must be written otherwise than any file holds them
  std::vector<GgufTensorSource> tensors_;
};

}  // namespace tinyllm

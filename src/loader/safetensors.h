#pragma once
// The tensors of one safetensors file, as views into its bytes. Everything that the header says is
// checked first: its length, the JSON, every shape and offset.

#include <cstddef>
#include <span>
#include <string>

#include "loader/tensor_map.h"

namespace tinyllm {

struct SafetensorsContents {
  TensorMap tensors;
  UnreadTensors unread;  // formats other than F32, F16 and BF16, and shapes without a dimension
};

// `source` is the file's name, for messages. `bytes` must outlive the result.
// Throws Error{invalid_input} for a damaged or truncated file.
SafetensorsContents parse_safetensors(std::span<const std::byte> bytes, const std::string& source);

}  // namespace tinyllm

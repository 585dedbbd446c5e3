#pragma once
// The GGUF container (ggml project, docs/gguf.md), versions 2 and 3, little-endian: header, typed
// metadata, tensor table, padding, tensor data. Parsing reads the table only; tensors are views
// into the given bytes. Every count, length, dimension and offset is checked before it is used.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "loader/gguf_metadata.h"
#include "loader/tensor_map.h"

namespace tinyllm {

struct GgufContents {
  std::uint32_t version = 0;
  std::uint64_t alignment = 32;  // of every tensor's offset; general.alignment
  GgufMetadata metadata;
  // Shapes outermost first: GGUF stores the innermost dimension first, here it is last.
  TensorMap tensors;
};

// `source` is the file's name, for messages. `bytes` must outlive the result.
// Throws Error{invalid_input} for a damaged file, Error{unsupported} for version 1, big-endian
// files and block formats that we do not decode.
GgufContents parse_gguf(std::span<const std::byte> bytes, const std::string& source);

// ggml's number of a format, as it stands in the tensor table.
std::uint32_t gguf_format_number(DType dtype);

}  // namespace tinyllm

#pragma once
// A safetensors file is: the length of a header (8 bytes, little-endian), the header (JSON), the
// data. The header says of each tensor its format, its shape and where its bytes lie in the data:
//   {"model.norm.weight": {"dtype": "BF16", "shape": [576], "data_offsets": [0, 1152]}, ...}
// The key "__metadata__" holds strings for people and is no tensor.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tinyllm {

struct SafetensorsEntry {
  std::string name;
  std::string dtype;                 // "F32", "F16", "BF16", ...
  std::vector<std::uint64_t> shape;  // outermost first
  std::uint64_t begin = 0, end = 0;  // bytes [begin, end) of the data
};

struct SafetensorsHeader {
  std::uint64_t data_begin = 0;  // where in the file the data start
  std::vector<SafetensorsEntry> entries;
};

// `file`: the whole file, whose header the caller has found well formed (loader/safetensors.cpp).
SafetensorsHeader read_safetensors_header(std::span<const std::byte> file);

}  // namespace tinyllm

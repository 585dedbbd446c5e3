#include "loader/safetensors_header.h"

#include <cstring>
#include <nlohmann/json.hpp>

namespace tinyllm {

SafetensorsHeader read_safetensors_header(std::span<const std::byte> file) {
  // >>> loader.safetensors
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, file.data(), sizeof(header_bytes));

  SafetensorsHeader header;
  header.data_begin = sizeof(header_bytes) + header_bytes;

  const char* text = reinterpret_cast<const char*>(file.data()) + sizeof(header_bytes);
  const auto json = nlohmann::json::parse(text, text + header_bytes);
  for (const auto& [name, tensor] : json.items()) {
    if (name == "__metadata__") continue;
    header.entries.push_back({.name = name,
                              .dtype = tensor["dtype"],
                              .shape = tensor["shape"],
                              .begin = tensor["data_offsets"][0],
                              .end = tensor["data_offsets"][1]});
  }
  return header;
  // <<< loader.safetensors
}

}  // namespace tinyllm

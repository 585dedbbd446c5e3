// Another way to loader.safetensors: the length from its bytes, one by one, and the JSON as a text of its own.
#include "loader/safetensors_header.h"

#include <nlohmann/json.hpp>

tinyllm::SafetensorsHeader tinyllm::read_safetensors_header(std::span<const std::byte> file) {
  std::uint64_t n = 0;
  for (std::size_t i = 8; i-- > 0;) n = n * 256 + std::to_integer<std::uint64_t>(file[i]);
  std::string text;
  for (const std::byte byte : file.subspan(8, n)) text += static_cast<char>(byte);
  nlohmann::json document = nlohmann::json::parse(text);
  document.erase("__metadata__");
  SafetensorsHeader header;
  header.data_begin = 8 + n;
  for (auto tensor = document.begin(); tensor != document.end(); ++tensor) {
    SafetensorsEntry entry;
    entry.name = tensor.key();
    entry.dtype = tensor->at("dtype");
    for (const auto& dim : tensor->at("shape")) entry.shape.push_back(dim);
    entry.begin = tensor->at("data_offsets").at(0);
    entry.end = tensor->at("data_offsets").at(1);
    header.entries.push_back(entry);
  }
  return header;
}

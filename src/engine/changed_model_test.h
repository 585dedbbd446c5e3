#pragma once
// Copies of the tiny models with another number of tokens, or with damaged weights, for tests.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "engine/tiny_engine_test.h"

namespace tinyllm {

// Writes the tied bf16 model of that name into `folder`, with n_vocab rows of embedding: fewer, or
// some of them twice. Damaged: the first weight of the last norm is not a number.
inline std::string write_changed(const std::filesystem::path& folder, const std::string& model,
                                 std::int64_t n_vocab, bool is_damaged = false) {
  const std::string file = read_text_file(tiny_model(model) / "model.safetensors");
  std::uint64_t n_header = 0;
  std::memcpy(&n_header, file.data(), sizeof(n_header));
  auto header = nlohmann::ordered_json::parse(file.substr(8, n_header));
  const std::string data = file.substr(8 + n_header);
  std::string changed;
  for (auto& [name, tensor] : header.items()) {
    if (name == "__metadata__") continue;
    const auto begin = tensor["data_offsets"][0].get<std::size_t>();
    std::string bytes = data.substr(begin, tensor["data_offsets"][1].get<std::size_t>() - begin);
    if (name == "model.embed_tokens.weight") {
      const auto row = bytes.size() / tensor["shape"][0].get<std::size_t>();
      const std::string known = bytes;
      while (bytes.size() < static_cast<std::size_t>(n_vocab) * row) bytes += known;
      bytes.resize(static_cast<std::size_t>(n_vocab) * row);
      tensor["shape"][0] = n_vocab;
    }
    if (is_damaged && name == "model.norm.weight") bytes.replace(0, 2, "\xC0\x7F");
    tensor["data_offsets"] = {changed.size(), changed.size() + bytes.size()};
    changed += bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  n_header = text.size();
  std::string head(8, '\0');
  std::memcpy(head.data(), &n_header, sizeof(n_header));
  auto config = nlohmann::json::parse(read_text_file(tiny_model(model) / "config.json"));
  config["vocab_size"] = n_vocab;
  write_file_atomic(folder / "config.json", config.dump());
  write_file_atomic(folder / "model.safetensors", head + text + changed);
  return folder.string();
}

}  // namespace tinyllm

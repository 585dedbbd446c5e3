#include "loader/text/special_tokens.h"

#include <nlohmann/json.hpp>
#include <string>

namespace tinyllm {
namespace {

void add_from(const nlohmann::json& object, SpecialTokens& tokens) {
  for (const auto& [name, value] : object.items()) {
    if (!name.ends_with("_token") || tokens.contains(name)) continue;
    if (value.is_string()) {
      tokens[name] = value.get<std::string>();
    } else if (value.is_object() && value.contains("content") && value["content"].is_string()) {
      tokens[name] = value["content"].get<std::string>();
    }
  }
}

}  // namespace

SpecialTokens special_tokens_from_hf(const HuggingFaceFolder& folder) {
  SpecialTokens tokens;
  for (const char* file : {"tokenizer_config.json", "special_tokens_map.json"}) {
    if (const auto json = folder.find_json(file)) add_from(*json, tokens);
  }
  return tokens;
}

SpecialTokens special_tokens_from_gguf(const GgufMetadata& metadata) {
  SpecialTokens tokens;
  const auto texts = metadata.find_strings("tokenizer.ggml.tokens");
  if (!texts) return tokens;
  for (const auto& [key, name] : kGgufSpecialTokens) {
    const auto id = metadata.find_token_id(key);
    if (id && *id < static_cast<std::int64_t>(texts->size())) {
      tokens[name] = std::string((*texts)[*id]);
    }
  }
  return tokens;
}

}  // namespace tinyllm

#include "loader/special_tokens.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace tinyllm {
namespace {

// GGUF's key and transformers' name. The spelling "seperator" is GGUF's own.
constexpr std::array<std::pair<const char*, const char*>, 7> kGgufKeys = {{
    {"tokenizer.ggml.bos_token_id", "bos_token"},
    {"tokenizer.ggml.eos_token_id", "eos_token"},
    {"tokenizer.ggml.unknown_token_id", "unk_token"},
    {"tokenizer.ggml.seperator_token_id", "sep_token"},
    {"tokenizer.ggml.padding_token_id", "pad_token"},
    {"tokenizer.ggml.cls_token_id", "cls_token"},
    {"tokenizer.ggml.mask_token_id", "mask_token"},
}};

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
  for (const auto& [key, name] : kGgufKeys) {
    const auto id = metadata.find_count(key);
    if (id && *id < static_cast<std::int64_t>(texts->size())) {
      tokens[name] = std::string((*texts)[static_cast<std::size_t>(*id)]);
    }
  }
  return tokens;
}

}  // namespace tinyllm

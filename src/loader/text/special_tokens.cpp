#include "loader/text/special_tokens.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/json_field.h"

namespace tinyllm {
namespace {

// Transformers' order; names of a model's own follow.
constexpr const char* kStandardNames[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                          "pad_token", "cls_token", "mask_token"};

// A string is a special token that is found before the normaliser; an object has flags.
std::optional<AddedToken> token_of(const nlohmann::json& value, const std::string& source) {
  if (value.is_string()) return AddedToken{.text = value.get<std::string>()};
  if (!value.is_object() || !value.contains("content") || !value["content"].is_string()) {
    return std::nullopt;
  }
  return read_added_token(JsonField(value, source));
}

}  // namespace

NamedTokens named_tokens_from_hf(const HuggingFaceFolder& folder) {
  constexpr const char* kConfig = "tokenizer_config.json";
  constexpr const char* kMap = "special_tokens_map.json";
  nlohmann::json fields = folder.find_json(kConfig).value_or(nlohmann::json::object());
  if (!fields.contains("added_tokens_decoder")) {
    const auto map = folder.find_json(kMap).value_or(nlohmann::json::object());
    for (const auto& [name, value] : map.items()) {
      fields[name] = value;
      if (value.is_object()) fields[name]["special"] = true;
    }
  }
  NamedTokens tokens;
  const auto add = [&](const std::string& name) {
    const auto field = fields.find(name);
    if (field == fields.end()) return;
    if (auto token = token_of(*field, folder.source(kConfig))) {
      token->special = true;
      tokens.emplace_back(name, std::move(*token));
    }
  };
  for (const char* name : kStandardNames) add(name);
  for (const auto& [name, value] : fields.items()) {
    if (name.ends_with("_token") &&
        std::ranges::find(kStandardNames, name) == std::end(kStandardNames)) {
      add(name);
    }
  }
  return tokens;
}

SpecialTokens special_tokens_from_hf(const HuggingFaceFolder& folder) {
  SpecialTokens tokens;
  for (const auto& [name, token] : named_tokens_from_hf(folder)) tokens[name] = token.text;
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

#include "loader/text/chat_template_source.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_field.h"
#include "loader/gguf_file.h"
#include "loader/hf_folder.h"

namespace tinyllm {
namespace {

// transformers' two forms: a string, or a list of {"name", "template"}.
std::optional<std::string> pick_template(const JsonField& field) {
  if (field.is_null()) return std::nullopt;
  if (!field.is_array()) return field.string();
  for (const char* wanted : {"default", "tool_use"}) {
    for (const JsonField& entry : field.elements()) {
      if (entry.member("name").string() == wanted) return entry.member("template").string();
    }
  }
  return std::nullopt;
}

std::optional<std::string> text_from_hf(const HuggingFaceFolder& folder) {
  if (auto text = folder.find_text("chat_template.jinja")) return text;
  for (const char* file : {"chat_template.json", "tokenizer_config.json"}) {
    const auto json = folder.find_json(file);
    if (!json) continue;
    auto text = pick_template(JsonField(*json, folder.source(file)).member("chat_template"));
    if (text) return text;
  }
  return std::nullopt;
}

std::optional<std::string> text_from_gguf(const GgufMetadata& metadata) {
  for (const char* key : {"tokenizer.chat_template", "tokenizer.chat_template.tool_use"}) {
    if (const auto text = metadata.find_string(key)) return std::string(*text);
  }
  return std::nullopt;
}

}  // namespace

std::optional<ChatTemplateSource> find_chat_template(const Checkpoint& checkpoint) {
  if (const GgufFile* gguf = checkpoint.gguf()) {
    auto text = text_from_gguf(gguf->metadata());
    if (!text) return std::nullopt;
    return ChatTemplateSource{std::move(*text), special_tokens_from_gguf(gguf->metadata())};
  }
  if (const HuggingFaceFolder* folder = checkpoint.hugging_face()) {
    auto text = text_from_hf(*folder);
    if (!text) return std::nullopt;
    return ChatTemplateSource{std::move(*text), special_tokens_from_hf(*folder)};
  }
  return std::nullopt;
}

}  // namespace tinyllm

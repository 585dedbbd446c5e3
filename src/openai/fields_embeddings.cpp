// /v1/embeddings.

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

Prompt read_text(const std::string& path, const json& value) {
  return {{.text = read_string(path, value, kMaxTextBytes)}};
}

Prompt read_ids(const std::string& path, const json& values) {
  PromptPart part{.is_text = false};
  for (std::size_t i = 0; i < values.size(); ++i)
    part.ids.push_back(read_token_id(fmt::format("{}[{}]", path, i), values[i]));
  return {std::move(part)};
}

// "text" | [ids] | ["text", ...] | [[ids], ...]
void set_input(const json& value, ApiRequest& request) {
  if (value.is_string()) return request.prompts.push_back(read_text("input", value));
  if (!value.is_array()) refuse_value("input", value, "a string or an array");
  if (value.empty()) refuse_value("input", value, "at least one text");
  if (value.front().is_number()) return request.prompts.push_back(read_ids("input", value));
  if (value.size() > kMaxInputs) {
    refuse_field("input", fmt::format("an array of {} texts", value.size()),
                 fmt::format("at most {}", kMaxInputs));
  }
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string path = fmt::format("input[{}]", i);
    request.prompts.push_back(value[i].is_array() ? read_ids(path, value[i])
                                                  : read_text(path, value[i]));
  }
}

void set_encoding(const json& value, ApiRequest& request) {
  const auto& name = value.get_ref<const std::string&>();
  if (name != "float" && name != "base64")
    refuse_value("encoding_format", value, "'float' or 'base64'");
  request.as_base64 = name == "base64";
}

void set_truncation(const json& value, ApiRequest& request) {
  request.truncate_prompt_tokens = value.get<std::int64_t>();
  if (request.truncate_prompt_tokens == 0)
    refuse_value("truncate_prompt_tokens", value, "-1, or 1 or more");
}

constexpr std::string_view kInputSchema =
    R"({"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"anyOf":)"
    R"( [{"type": "string"}, {"type": "integer", "minimum": 0}, {"type": "array", "minItems": 1,)"
    R"( "items": {"type": "integer", "minimum": 0}}]}}]})";

const auto kEmbeddingsFields = std::to_array<Field>({
    {"model", FieldKind::string, "null", 0, 1024,
     "One of the names that /v1/models lists with the task \"embed\"; may be left out.", "",
     [](const json& v, ApiRequest& r) { r.model = v.get<std::string>(); }},
    {"input", FieldKind::other, "", 0, 0,
     "What to embed: a text, an array of at most 2048 texts, or token ids in their place, which "
     "are "
     "taken as they are, [CLS] and [SEP] included.",
     kInputSchema, set_input},
    {"encoding_format", FieldKind::string, "\"float\"", 0, 64,
     "float, or base64: of the little-endian 32-bit floats, a fourth of the size.", "",
     set_encoding},
    {"dimensions", FieldKind::integer, "null", 1, kMaxInt,
     "Keep the first so many numbers of each vector, at length 1 again (Matryoshka embeddings; "
     "other models lose quality by it).",
     "", [](const json& v, ApiRequest& r) { r.dimensions = v.get<std::int64_t>(); }},
    {"truncate_prompt_tokens", FieldKind::integer, "null", -1, kMaxInt,
     "Keep the first so many tokens of a longer text, [CLS] and [SEP] included; -1: what the model "
     "reads. Without it a text that is too long is refused.",
     "", set_truncation},
    {"user", FieldKind::string, "null", 0, 1024, "Taken and not looked at.", "",
     [](const json&, ApiRequest&) {}},
});

}  // namespace

std::span<const Field> embeddings_fields() { return kEmbeddingsFields; }

}  // namespace tinyllm

// /v1/rerank and /v1/score.

#include <array>
#include <nlohmann/json.hpp>

#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kMaxTextBytes = std::size_t{1} << 20;

Prompt read_text(const std::string& path, const json& value) {
  return {{.text = read_string(path, value, kMaxTextBytes)}};
}

// "text"; {"text": "..."} as Jina has documents.
Prompt read_document(const std::string& path, const json& value) {
  if (!value.is_object()) return read_text(path, value);
  return read_text(path + ".text", member(path, value, "text", "a string"));
}

void add_texts(const std::string& path, const json& values, ApiRequest& request,
               Prompt (*read)(const std::string&, const json&)) {
  if (!values.is_array()) refuse_value(path, values, "an array of texts");
  if (values.empty()) refuse_value(path, values, "at least one text");
  if (values.size() > kMaxPrompts) {
    refuse_field(path, fmt::format("an array of {} texts", values.size()),
                 fmt::format("at most {}", kMaxPrompts));
  }
  for (std::size_t i = 0; i < values.size(); ++i)
    request.prompts.push_back(read(fmt::format("{}[{}]", path, i), values[i]));
}

void set_query(const json& value, ApiRequest& request) {
  request.prompts.insert(request.prompts.begin(), read_text("query", value));
  request.n_queries = 1;
}

void set_documents(const json& value, ApiRequest& request) {
  add_texts("documents", value, request, read_document);
}

void set_text_1(const json& value, ApiRequest& request) {
  if (value.is_string())
    request.prompts.push_back(read_text("text_1", value));
  else
    add_texts("text_1", value, request, read_text);
  request.n_queries = request.prompts.size();
}

void set_text_2(const json& value, ApiRequest& request) {
  if (value.is_string())
    request.prompts.push_back(read_text("text_2", value));
  else
    add_texts("text_2", value, request, read_text);
  const std::size_t n_second = request.prompts.size() - request.n_queries;
  if (request.n_queries == 1 || request.n_queries == n_second) return;
  refuse_field("text_2", fmt::format("given with {} texts", n_second),
               fmt::format("as many as text_1 has, which are {}", request.n_queries));
}

constexpr std::string_view kTextsSchema =
    R"({"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": {"type": "string"}}]})";

constexpr Field kModel = {
    "model",
    FieldKind::string,
    "null",
    0,
    1024,
    "A cross-encoder (\"task\": \"score\" in /v1/models) or a model that writes, which then "
    "judges; without it the cross-encoder, if there is one.",
    "",
    [](const json& v, ApiRequest& r) { r.model = v.get<std::string>(); }};
constexpr Field kUser = {
    "user", FieldKind::string,          "null", 0,
    1024,   "Taken and not looked at.", "",     [](const json&, ApiRequest&) {}};

const auto kRerankFields = std::to_array<Field>({
    kModel,
    {"query", FieldKind::string, "", 0, kMaxTextBytes, "What the documents should answer.", "",
     set_query},
    {"documents", FieldKind::other, "", 0, 0,
     "At most 1024 texts, or objects with a text. One that is longer than the model reads is cut "
     "at its end.",
     R"({"type": "array", "minItems": 1, "items": {"anyOf": [{"type": "string"}, {"type": )"
     R"("object", "properties": {"text": {"type": "string"}}, "required": ["text"]}]}})",
     set_documents},
    {"top_n", FieldKind::integer, "null", 1, 1 << 30, "Answer with the best so many only.", "",
     [](const json& v, ApiRequest& r) { r.top_n = v.get<std::int64_t>(); }},
    {"return_documents", FieldKind::boolean, "true", 0, 0, "With their texts.", "",
     [](const json& v, ApiRequest& r) { r.return_documents = v.get<bool>(); }},
    kUser,
});

const auto kScoreFields = std::to_array<Field>({
    kModel,
    {"text_1", FieldKind::other, "", 0, 0, "A query, or one for each text_2.", kTextsSchema,
     set_text_1},
    {"text_2", FieldKind::other, "", 0, 0, "At most 1024 texts that may answer it.", kTextsSchema,
     set_text_2},
    kUser,
});

}  // namespace

std::span<const Field> rerank_fields() { return kRerankFields; }
std::span<const Field> score_fields() { return kScoreFields; }

}  // namespace tinyllm

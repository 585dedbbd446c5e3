// What the text must look like, under the names that OpenAI, vLLM and llama.cpp give it. Each becomes a
// GrammarSource, and there may be one. What a value says beyond that is refused, not ignored.

#include <algorithm>
#include <array>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_values.h"
#include "base/quote.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"
#include "openai/shared_fields.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kMaxGrammarBytes = std::size_t{2} << 20;  // as Grammar::compile
constexpr std::size_t kMaxChoiceTexts = 10000;

void ask(ApiRequest& request, const std::string& field, GrammarSource source) {
  if (request.grammar) {
    throw ApiError(400, "invalid_value", field,
                   fmt::format("{} and {} cannot both be given: each says what the whole text must "
                               "look like",
                               request.grammar->field, field));
  }
  request.grammar = {field, std::move(source)};
}

bool says_nothing(const json& value) { return value.is_null() || value == false; }

void check_members(const std::string& path, const json& object,
                   std::initializer_list<std::string_view> known) {
  if (!object.is_object()) refuse_value(path, object, "an object");
  for (const auto& [name, value] : object.items()) {
    if (says_nothing(value) || std::ranges::find(known, name) != known.end()) continue;
    throw ApiError(
        400, "unsupported_parameter", path,
        fmt::format("{}: {} is not supported beside the rest; leave it out", path, quote(name)));
  }
}

// JSON as a value of the body, or as text that holds it.
std::string json_text(const std::string& path, const json& value) {
  return value.is_string() ? read_string(path, value, kMaxGrammarBytes)
                           : text_with_big_integers(value);
}

void ask_schema(ApiRequest& request, const std::string& path, const json& value) {
  if (!value.is_object() && !value.is_boolean() && !value.is_string())
    refuse_value(path, value, "a JSON schema");
  ask(request, path, {GrammarKind::json_schema, json_text(path, value)});
}

void ask_text(ApiRequest& request, const std::string& path, GrammarKind kind, const json& value) {
  ask(request, path, {kind, read_string(path, value, kMaxGrammarBytes)});
}

void ask_choice(ApiRequest& request, const std::string& path, const json& value) {
  if (!value.is_array() || value.empty() || value.size() > kMaxChoiceTexts)
    refuse_value(path, value, fmt::format("an array of 1 to {} strings", kMaxChoiceTexts));
  GrammarSource source{GrammarKind::choice};
  for (std::size_t i = 0; i < value.size(); ++i)
    source.choices.push_back(
        read_string(fmt::format("{}[{}]", path, i), value[i], kMaxGrammarBytes));
  ask(request, path, std::move(source));
}

void ask_structural_tag(ApiRequest& request, const std::string& path, const json& value) {
  if (!value.is_object() && !value.is_string()) refuse_value(path, value, "an object");
  ask(request, path, {GrammarKind::structural_tag, json_text(path, value)});
}

void set_json_schema_format(const json& value, ApiRequest& request) {
  const std::string path = "response_format.json_schema";
  check_members("response_format", value, {"type", "json_schema"});
  const auto found = value.find("json_schema");
  if (found == value.end()) refuse_field(path, "missing", "an object with a schema");
  check_members(path, *found, {"name", "description", "schema", "strict"});
  if (found->contains("strict") && !(*found)["strict"].is_null())
    read_boolean(path + ".strict", (*found)["strict"]);
  const auto schema = found->find("schema");
  if (schema == found->end()) refuse_field(path + ".schema", "missing", "a JSON schema");
  ask_schema(request, path + ".schema", *schema);
}

void set_response_format(const json& value, ApiRequest& request) {
  const std::string path = "response_format";
  if (!value.is_object() || !value.contains("type") || !value["type"].is_string())
    refuse_value(path, value, "an object with a type");
  const auto& type = value["type"].get_ref<const std::string&>();
  if (type == "text") {
    check_members(path, value, {"type"});
  } else if (type == "json_object") {  // llama.cpp lets it have a schema
    check_members(path, value, {"type", "schema"});
    const auto schema = value.find("schema");
    if (schema != value.end() && !schema->is_null())
      return ask_schema(request, path + ".schema", *schema);
    ask(request, path, {GrammarKind::json_object});
  } else if (type == "json_schema") {
    set_json_schema_format(value, request);
  } else if (type == "structural_tag") {
    ask_structural_tag(request, path, value);
  } else {
    refuse_field(path + ".type", quote(type),
                 "'text', 'json_object', 'json_schema' or 'structural_tag'");
  }
}

void set_structured_outputs(const json& value, ApiRequest& request) {
  const std::string path = "structured_outputs";
  check_members(path, value,
                {"json", "regex", "choice", "grammar", "json_object", "structural_tag",
                 "disable_fallback"});  // there is no fallback: what cannot be enforced is refused
  for (const auto& [name, part] : value.items()) {
    if (says_nothing(part) && !(name == "json" && part == false)) continue;
    const std::string part_path = path + "." + name;
    if (name == "json") ask_schema(request, part_path, part);
    if (name == "regex") ask_text(request, part_path, GrammarKind::regex, part);
    if (name == "choice") ask_choice(request, part_path, part);
    if (name == "grammar") ask_text(request, part_path, GrammarKind::gbnf, part);
    if (name == "structural_tag") ask_structural_tag(request, part_path, part);
    if (name == "json_object" && read_boolean(part_path, part))
      ask(request, part_path, {GrammarKind::json_object});
  }
}

void set_grammar(const json& value, ApiRequest& request) {
  if (!value.get_ref<const std::string&>().empty())
    ask_text(request, "grammar", GrammarKind::gbnf, value);
}

constexpr std::string_view kFormatSchema =
    R"({"type": "object", "required": ["type"], "properties": {"type": {"enum": ["text",)"
    R"( "json_object", "json_schema", "structural_tag"]}, "json_schema": {"type": "object",)"
    R"( "required": ["schema"], "properties": {"name": {"type": "string"}, "description":)"
    R"( {"type": "string"}, "schema": {"type": "object"}, "strict": {"type": "boolean"}}}}})";
constexpr std::string_view kOutputsSchema =
    R"({"type": "object", "properties": {"json": {"type": "object"}, "regex": {"type": "string"},)"
    R"( "choice": {"type": "array", "items": {"type": "string"}}, "grammar": {"type": "string"},)"
    R"( "json_object": {"type": "boolean"}, "structural_tag": {"type": "object"}}})";
constexpr std::string_view kSchemaSchema = R"({"type": "object"})";
constexpr std::string_view kChoiceSchema = R"({"type": "array", "items": {"type": "string"}})";

const auto kFields = std::to_array<Field>({
    {"response_format", FieldKind::other, "null", 0, 0,
     "What the text is: text, json_object (any JSON object), json_schema (JSON that follows the "
     "schema, strict or not), or structural_tag as vLLM has it.",
     kFormatSchema, set_response_format},
    {"structured_outputs", FieldKind::other, "null", 0, 0,
     "What the text is, as vLLM says it: one of json, regex, choice, grammar, json_object, "
     "structural_tag.",
     kOutputsSchema, set_structured_outputs},
    {"guided_json", FieldKind::other, "null", 0, 0, "The older name of structured_outputs.json.",
     kSchemaSchema, [](const json& v, ApiRequest& r) { ask_schema(r, "guided_json", v); }},
    {"guided_regex", FieldKind::string, "null", 0, kMaxGrammarBytes,
     "The older name of structured_outputs.regex.", "",
     [](const json& v, ApiRequest& r) { ask_text(r, "guided_regex", GrammarKind::regex, v); }},
    {"guided_choice", FieldKind::other, "null", 0, 0,
     "The older name of structured_outputs.choice.", kChoiceSchema,
     [](const json& v, ApiRequest& r) { ask_choice(r, "guided_choice", v); }},
    {"guided_grammar", FieldKind::string, "null", 0, kMaxGrammarBytes,
     "The older name of structured_outputs.grammar.", "",
     [](const json& v, ApiRequest& r) { ask_text(r, "guided_grammar", GrammarKind::gbnf, v); }},
    {"grammar", FieldKind::string, "\"\"", 0, kMaxGrammarBytes,
     "A grammar in llama.cpp's GBNF that the text follows.", "", set_grammar},
    {"json_schema", FieldKind::other, "null", 0, 0,
     "A JSON schema that the text follows, as llama.cpp takes it.", kSchemaSchema,
     [](const json& v, ApiRequest& r) { ask_schema(r, "json_schema", v); }},
});

}  // namespace

std::span<const Field> grammar_fields() { return kFields; }

void ask_text_format(const std::string& field, const json& value, ApiRequest& request) {
  if (!value.is_object()) refuse_value(field, value, "an object with a type");
  const json& type = member(field, value, "type", "a string");
  if (type == "text") {
    check_members(field, value, {"type"});
  } else if (type == "json_object") {
    check_members(field, value, {"type"});
    ask(request, field, {GrammarKind::json_object});
  } else if (type == "json_schema") {
    check_members(field, value, {"type", "name", "description", "schema", "strict"});
    ask_schema(request, field + ".schema", member(field, value, "schema", "a JSON schema"));
  } else {
    refuse_value(field + ".type", type, "'text', 'json_object' or 'json_schema'");
  }
}

}  // namespace tinyllm

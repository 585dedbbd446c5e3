#include "server/openapi.h"

#include <fmt/core.h>

#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/version.h"
#include "openai/field_table.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

struct PostRoute {
  std::string_view path, schema_name, help;
  ApiKind kind;
};

constexpr auto kPostRoutes = std::to_array<PostRoute>({
    {"/v1/chat/completions", "ChatRequest", "The assistant's answer to a conversation.",
     ApiKind::chat},
    {"/v1/completions", "CompletionRequest", "The continuation of a text.", ApiKind::completion},
    {"/tokenize", "TokenizeRequest", "A text, or a conversation, to token ids.", ApiKind::tokenize},
    {"/detokenize", "DetokenizeRequest", "Token ids to text.", ApiKind::detokenize},
    {"/apply-template", "TemplateRequest", "A conversation to the exact prompt of the model.",
     ApiKind::apply_template},
});

struct GetRoute {
  std::string_view path, help;
};

constexpr auto kGetRoutes = std::to_array<GetRoute>({
    {"/v1/models", "The names of the served model, with max_model_len."},
    {"/health",
     "200 when requests are taken; 503 while the model loads and while shutting down. "
     "Needs no key."},
    {"/version", "The program's version."},
    {"/metrics", "Prometheus metrics under vLLM's names."},
    {"/openapi.json", "This description."},
    {"/debug/state",
     "The engine's rows, queue and KV blocks as server-sent events; 404 without --debug-views."},
});

bool is_supported(const Field& field) { return field.set != nullptr; }

json number_limit(FieldKind kind, double value) {
  if (kind == FieldKind::integer) return static_cast<std::int64_t>(value);
  return value;
}

json schema_of(const Field& field) {
  json schema = field.schema.empty() ? json::object() : json::parse(field.schema);
  switch (field.kind) {
    case FieldKind::boolean: schema["type"] = "boolean"; break;
    case FieldKind::integer: schema["type"] = "integer"; break;
    case FieldKind::number: schema["type"] = "number"; break;
    case FieldKind::string: schema["type"] = "string"; break;
    case FieldKind::other: break;
  }
  if (field.kind == FieldKind::integer || field.kind == FieldKind::number) {
    schema["minimum"] = number_limit(field.kind, field.low);
    schema["maximum"] = number_limit(field.kind, field.high);
  }
  if (field.kind == FieldKind::string) schema["maxLength"] = static_cast<std::int64_t>(field.high);
  if (!field.fallback.empty()) {  // optional: null means the default
    schema = {{"anyOf", json::array({std::move(schema), {{"type", "null"}}})}};
    schema["default"] = json::parse(field.fallback);
  }
  schema["description"] = std::string(field.help);
  return schema;
}

json body_schema(ApiKind kind) {
  json properties = json::object(), required = json::array();
  for (const Field* field : fields_of(kind)) {
    if (!is_supported(*field)) continue;
    const std::string name(field->name);
    properties[name] = schema_of(*field);
    const bool optional_here = kind == ApiKind::tokenize && name == "messages";
    if (field->fallback.empty() && !optional_here) required.push_back(name);
  }
  json schema = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

json reference(std::string_view name) {
  return {{"$ref", fmt::format("#/components/schemas/{}", name)}};
}

json json_content(json schema) { return {{"application/json", {{"schema", std::move(schema)}}}}; }

json error_answer(std::string_view description) {
  return {{"description", std::string(description)}, {"content", json_content(reference("Error"))}};
}

json answers_of(bool takes_body) {
  json answers = {{"200", {{"description", "Done."}}}};
  if (takes_body) {
    answers["400"] = error_answer("A field is wrong; param names it.");
    answers["404"] = error_answer("No such model.");
    answers["413"] = error_answer("The body is too large.");
    answers["415"] = error_answer("The body is not declared as JSON.");
    answers["429"] = error_answer("Too many texts run or wait; see Retry-After.");
  }
  answers["401"] = error_answer("The API key is missing or wrong.");
  answers["503"] = error_answer("The model is loading, or the server is shutting down.");
  return answers;
}

json error_schema() {
  json fields = {{"message", {{"type", "string"}}},
                 {"type", {{"type", "string"}}},
                 {"param", {{"type", json::array({"string", "null"})}}},
                 {"code", {{"type", json::array({"string", "null"})}}}};
  json error = {{"type", "object"},
                {"required", json::array({"message", "type", "param", "code"})},
                {"properties", std::move(fields)}};
  return {{"type", "object"},
          {"required", json::array({"error"})},
          {"properties", {{"error", std::move(error)}}}};
}

// "number, 0 to 2"
std::string kind_text(const Field& field) {
  switch (field.kind) {
    case FieldKind::boolean: return "boolean";
    case FieldKind::string: return fmt::format("string, at most {:.0f} bytes", field.high);
    case FieldKind::integer:
    case FieldKind::number: break;
    case FieldKind::other: {
      const json schema = json::parse(field.schema);
      return schema.contains("type") ? schema["type"].get<std::string>() : "see text";
    }
  }
  const char* name = field.kind == FieldKind::integer ? "integer" : "number";
  const bool huge = field.high >= 2147483647.0;
  if (huge && field.low <= -2147483647.0) return name;
  if (huge) return fmt::format("{}, {:g} or more", name, field.low);
  return fmt::format("{}, {:g} to {:g}", name, field.low, field.high);
}

// A bar would end a cell of a Markdown table.
std::string escape_bars(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string default_text(const Field& field) {
  if (field.fallback.empty()) return "**required**";
  return field.fallback == "null" ? "" : fmt::format("`{}`", field.fallback);
}

std::string fields_page(ApiKind kind) {
  std::string page = "| field | kind | default | meaning |\n|---|---|---|---|\n";
  std::string refused;
  for (const Field* field : fields_of(kind)) {
    if (!is_supported(*field)) {
      refused += fmt::format("{}`{}`", refused.empty() ? "" : ", ", field->name);
      continue;
    }
    page += fmt::format("| `{}` | {} | {} | {} |\n", field->name, kind_text(*field),
                        default_text(*field), escape_bars(field->help));
  }
  if (!refused.empty()) page += "\nUnderstood, but refused with 400 for now: " + refused + ".\n";
  return page;
}

}  // namespace

json openapi_document() {
  json paths = json::object(), schemas = {{"Error", error_schema()}};
  for (const PostRoute& route : kPostRoutes) {
    schemas[std::string(route.schema_name)] = body_schema(route.kind);
    paths[std::string(route.path)]["post"] = {
        {"summary", std::string(route.help)},
        {"requestBody",
         {{"required", true}, {"content", json_content(reference(route.schema_name))}}},
        {"responses", answers_of(true)}};
  }
  for (const GetRoute& route : kGetRoutes) {
    paths[std::string(route.path)]["get"] = {{"summary", std::string(route.help)},
                                             {"responses", answers_of(false)}};
  }
  json document = {
      {"openapi", "3.1.0"},
      {"info", {{"title", "tiny-llm"}, {"version", std::string(version())}}},
      {"paths", std::move(paths)},
      {"components",
       {{"schemas", std::move(schemas)},
        {"securitySchemes", {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}}}}}},
  };
  document["security"] = json::array({{{"bearer", json::array()}}, json::object()});
  return document;
}

std::string api_page() {
  std::string page =
      "# The HTTP API\n\n"
      "Made from the server's field table by `tinyllm serve --print-api`; a test holds this page "
      "to it.\n"
      "Bodies are JSON objects with `Content-Type: application/json`. Fields that are not listed "
      "are ignored, `null` means\nthe default. A wrong field is answered with 400 and "
      "`{\"error\": {\"message\", \"type\", \"param\", \"code\"}}`, where\n`param` names it.\n\n"
      "| path | what it does |\n|---|---|\n";
  for (const PostRoute& route : kPostRoutes)
    page += fmt::format("| `POST {}` | {} |\n", route.path, route.help);
  for (const GetRoute& route : kGetRoutes)
    page += fmt::format("| `GET {}` | {} |\n", route.path, route.help);
  for (const PostRoute& route : kPostRoutes)
    page +=
        fmt::format("\n## POST {}\n\n{}\n\n{}", route.path, route.help, fields_page(route.kind));
  return page;
}

}  // namespace tinyllm

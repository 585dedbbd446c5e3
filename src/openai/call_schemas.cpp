#include "openai/call_schemas.h"

#include <nlohmann/json.hpp>

#include "base/json_values.h"
#include "tool_call/answer_format.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr int kMaxCalls = 16;  // of an answer: a model that finds no end is stopped

// References of a schema that now stands at `place` of another. Where it has an $id they count from
// there.
void move_references(json& schema, const std::string& place) {
  if (schema.is_object() && schema.contains("$id")) return;
  if (schema.is_object()) {
    const auto reference = schema.find("$ref");
    if (reference != schema.end() && reference->is_string()) {
      auto& text = reference->get_ref<std::string&>();
      if (text == "#" || text.starts_with("#/")) text.insert(1, place);
    }
  }
  if (!schema.is_structured()) return;
  for (auto& [key, part] : schema.items()) {
    const bool is_data = schema.is_object() &&
                         (key == "const" || key == "enum" || key == "default" || key == "examples");
    if (!is_data) move_references(part, place);
  }
}

json arguments_schema(const json& function) {
  json schema = function.contains("parameters") ? function["parameters"] : json::object();
  if (!schema.contains("type")) schema["type"] = "object";
  return schema;
}

json call_schema(const json& function, const std::string& place) {
  json arguments = arguments_schema(function);
  move_references(arguments, place + "/properties/arguments");
  return {{"type", "object"},
          {"properties", {{"name", {{"const", function["name"]}}}, {"arguments", arguments}}},
          {"required", {"name", "arguments"}},
          {"additionalProperties", false}};
}

}  // namespace

bool forces_calls(const ApiRequest& request) {
  return request.tools != nullptr &&
         (request.tool_choice == ToolChoice::required || request.tool_choice == ToolChoice::named);
}

std::string forced_calls_schema(const ApiRequest& request) {
  const bool is_named = request.tool_choice == ToolChoice::named;
  const bool is_list = !is_named && request.parallel_tool_calls;
  const std::string place = is_list ? "/items/anyOf/" : "/anyOf/";
  json calls = json::array();
  for (const json& tool : *request.tools) {
    const json& function = tool["function"];
    if (is_named && function["name"] != request.named_tool) continue;
    calls.push_back(call_schema(function, place + std::to_string(calls.size())));
  }
  json one = {{"anyOf", std::move(calls)}};
  if (!is_list) return text_with_big_integers(one);
  return text_with_big_integers(
      {{"type", "array"}, {"items", std::move(one)}, {"minItems", 1}, {"maxItems", kMaxCalls}});
}

std::string begun_calls_tag(const ApiRequest& request, const ToolFormat& format) {
  json structures = json::array();
  for (const json& tool : *request.tools) {
    const json& function = tool["function"];
    structures.push_back(
        {{"begin", std::string(format.before_name) + function["name"].get<std::string>() +
                       std::string(format.before_arguments)},
         {"schema", arguments_schema(function)},
         {"end", format.behind_arguments}});
  }
  return text_with_big_integers(
      {{"structures", std::move(structures)}, {"triggers", json::array({format.trigger})}});
}

}  // namespace tinyllm

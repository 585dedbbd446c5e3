// The functions that a model may call, and whether it may.

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/json_values.h"
#include "base/quote.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"
#include "tool_call/tool_types.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kMaxNameBytes = 128;
constexpr std::size_t kMaxDescriptionBytes = std::size_t{1} << 20;

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

const std::string& read_name(const std::string& path, const json& value) {
  const std::string& name = read_string(path, value, kMaxNameBytes);
  if (name.empty() || !std::ranges::all_of(name, is_name_byte))
    refuse_value(path, value, "a name of letters, digits and _ - .");
  return name;
}

const json& member(const std::string& path, const json& object, const char* name,
                   const char* wanted) {
  const auto found = object.find(name);
  if (found == object.end()) refuse_field(path + "." + name, "missing", wanted);
  return *found;
}

// A function as the template gets it: what is null or not for it is left out.
json read_function(const std::string& path, const json& function, bool& is_strict) {
  if (!function.is_object()) refuse_value(path, function, "an object with a name");
  json copy = {{"name", read_name(path + ".name", member(path, function, "name", "a string"))}};
  for (const auto& [key, value] : function.items()) {
    if (key == "name" || value.is_null()) continue;
    if (key == "description") {
      copy[key] = read_string(path + ".description", value, kMaxDescriptionBytes);
    } else if (key == "parameters") {
      if (!value.is_object()) refuse_value(path + ".parameters", value, "a JSON schema, an object");
      copy[key] = value;
    } else if (key == "strict") {
      is_strict = read_boolean(path + ".strict", value) || is_strict;
    } else {
      refuse_field(path, fmt::format("given with the key {}", quote(key)),
                   "an object of name, description, parameters and strict");
    }
  }
  return copy;
}

json read_tool(const std::string& path, const json& tool, bool& is_strict) {
  if (!tool.is_object()) refuse_value(path, tool, "an object with type and function");
  const json& type = member(path, tool, "type", "'function'");
  if (type != "function")
    refuse_value(path + ".type", type, "'function'; there are no other tools here");
  return {{"type", "function"},
          {"function", read_function(path + ".function",
                                     member(path, tool, "function", "an object"), is_strict)}};
}

void set_tools(const json& value, ApiRequest& request) {
  if (!value.is_array()) refuse_value("tools", value, "an array of tools");
  if (value.size() > kMaxTools) {
    refuse_field("tools", fmt::format("an array of {} tools", value.size()),
                 fmt::format("at most {}", kMaxTools));
  }
  if (value.empty()) return;
  const auto tools = share_json(json::array());
  std::unordered_set<std::string> names;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string path = fmt::format("tools[{}]", i);
    json tool = read_tool(path, value[i], request.wants_strict_tools);
    const json& name = tool["function"]["name"];
    if (!names.insert(name.get<std::string>()).second)
      refuse_value(path + ".function.name", name, "another name than that of a tool before it");
    tools->push_back(std::move(tool));
  }
  request.tool_types = std::make_shared<const ToolTypes>(*tools);
  request.tools = tools;
}

void set_tool_choice(const json& value, ApiRequest& request) {
  if (value.is_object()) {
    const json& type = member("tool_choice", value, "type", "'function'");
    if (type != "function") refuse_value("tool_choice.type", type, "'function'");
    const json& function = member("tool_choice", value, "function", "an object with a name");
    if (!function.is_object()) refuse_value("tool_choice.function", function, "an object");
    request.named_tool = read_name("tool_choice.function.name",
                                   member("tool_choice.function", function, "name", "a string"));
    request.tool_choice = ToolChoice::named;
  } else if (value == "auto") {
    request.tool_choice = ToolChoice::automatic;
  } else if (value == "none") {
    request.tool_choice = ToolChoice::none;
  } else if (value == "required") {
    request.tool_choice = ToolChoice::required;
  } else {
    refuse_value("tool_choice", value, "'auto', 'none', 'required' or an object with a function");
  }
}

constexpr std::string_view kToolsSchema =
    R"({"type": "array", "maxItems": 512, "items": {"type": "object", "required": ["type",)"
    R"( "function"], "properties": {"type": {"const": "function"}, "function": {"type": "object",)"
    R"( "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 128},)"
    R"( "description": {"type": "string"}, "parameters": {"type": "object"},)"
    R"( "strict": {"type": "boolean"}}}}}})";
constexpr std::string_view kChoiceSchema =
    R"({"anyOf": [{"type": "string", "enum": ["auto", "none", "required"]}, {"type": "object",)"
    R"( "required": ["type", "function"], "properties": {"type": {"const": "function"},)"
    R"( "function": {"type": "object", "required": ["name"], "properties":)"
    R"( {"name": {"type": "string"}}}}}]})";

const auto kToolFields = std::to_array<Field>({
    {"tools", FieldKind::other, "null", 0, 0,
     "The functions that the model may call. A template that knows no tools gets them in the form "
     "of Hermes.",
     kToolsSchema, set_tools},
    {"tool_choice", FieldKind::other, "null", 0, 0,
     "auto: the model decides (the default where there are tools). none: it sees no tools. "
     "required, or a function: its answer is calls, whose arguments follow the schemas.",
     kChoiceSchema, set_tool_choice},
    {"parallel_tool_calls", FieldKind::boolean, "true", 0, 0,
     "false: calls after the first are no calls; they stay in the content.", "",
     [](const json& v, ApiRequest& r) { r.parallel_tool_calls = v.get<bool>(); }},
    {"enable_thinking", FieldKind::boolean, "null", 0, 0,
     "For templates that know it: whether the model thinks before it answers.", "",
     [](const json& v, ApiRequest& r) { r.enable_thinking = v.get<bool>(); }},
});

}  // namespace

std::span<const Field> tool_fields() { return kToolFields; }

void check_tool_choice(ApiRequest& request) {
  if (request.tool_choice == ToolChoice::none) request.tools.reset(), request.tool_types.reset();
  if (!request.tools) {
    if (request.tool_choice.value_or(ToolChoice::none) == ToolChoice::none) return;
    throw ApiError(400, "invalid_value", "tool_choice",
                   "tool_choice is only allowed when there are tools");
  }
  if (request.tool_choice == ToolChoice::named && !request.tool_types->has(request.named_tool))
    refuse_field("tool_choice.function.name", quote(request.named_tool),
                 "the name of one of the tools");
}

}  // namespace tinyllm

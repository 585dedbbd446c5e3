#include "openai/tool_reader.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>
#include <utility>

#include "base/quote.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"
#include "tool_call/tool_types.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kMaxToolNameBytes = 128;
constexpr std::size_t kMaxDescriptionBytes = std::size_t{1} << 20;

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.';
}

}  // namespace

std::string read_function_name(const std::string& path, const json& value) {
  const std::string& name = read_string(path, value, kMaxToolNameBytes);
  if (name.empty() || !std::ranges::all_of(name, is_name_byte))
    refuse_value(path, value, "a name of letters, digits and _ - .");
  return name;
}

json read_function(const std::string& path, const json& function, bool& is_strict) {
  if (!function.is_object()) refuse_value(path, function, "an object with a name");
  json copy = {
      {"name", read_function_name(path + ".name", member(path, function, "name", "a string"))}};
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

void take_tools(const json& value, const char* name_place, ApiRequest& request,
                function_ref<json(const std::string&, const json&)> read) {
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
    if (!value[i].is_object()) refuse_value(path, value[i], "an object");
    json function = read(path, value[i]);
    if (function.is_null()) continue;
    const json& name = function["name"];
    if (!names.insert(name.get<std::string>()).second)
      refuse_value(path + name_place, name, "another name than that of a tool before it");
    tools->push_back({{"type", "function"}, {"function", std::move(function)}});
  }
  if (!tools->empty()) give_tools(request, tools);
}

void give_tools(ApiRequest& request, std::shared_ptr<const json> tools) {
  request.tool_types = std::make_shared<const ToolTypes>(*tools);
  request.tools = std::move(tools);
}

void choose_tool(ApiRequest& request, ToolChoice choice, std::string function) {
  request.tool_choice = choice;
  request.named_tool = std::move(function);
}

void choose_tool_by_word(const json& word, ApiRequest& request) {
  if (word == "auto") return choose_tool(request, ToolChoice::automatic);
  if (word == "none") return choose_tool(request, ToolChoice::none);
  if (word == "required") return choose_tool(request, ToolChoice::required);
  refuse_value("tool_choice", word, "'auto', 'none', 'required' or an object with a function");
}

}  // namespace tinyllm

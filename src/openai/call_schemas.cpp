#include "openai/call_schemas.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/json_values.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

json arguments_schema(const json& function) {
  json schema = function.contains("parameters") ? function["parameters"] : json::object();
  if (!schema.contains("type")) schema["type"] = "object";
  return schema;
}

// Each function's schema stands alone, so that names in it mean what they mean there.
std::string tag_of(const json& tools, std::string_view name, std::string_view before_name,
                   std::string_view before_arguments, std::string_view behind,
                   std::string_view trigger) {
  json structures = json::array();
  for (const json& tool : tools) {
    const json& function = tool["function"];
    const auto& its_name = function["name"].get_ref<const std::string&>();
    if (!name.empty() && its_name != name) continue;
    std::string begin(before_name);
    begin += its_name;
    begin += before_arguments;
    structures.push_back({{"begin", std::move(begin)},
                          {"schema", arguments_schema(function)},
                          {"end", std::string(behind)}});
  }
  return text_with_big_integers(
      {{"structures", std::move(structures)}, {"triggers", json::array({std::string(trigger)})}});
}

}  // namespace

bool forces_calls(const ApiRequest& request) {
  return request.tools != nullptr &&
         (request.tool_choice == ToolChoice::required || request.tool_choice == ToolChoice::named);
}

GrammarSource forced_calls(const ApiRequest& request) {
  const bool is_named = request.tool_choice == ToolChoice::named;
  const bool is_one = is_named || !request.parallel_tool_calls;
  return {is_one ? GrammarKind::structure : GrammarKind::structures,
          tag_of(*request.tools, is_named ? request.named_tool : "", "{\"name\": \"",
                 "\", \"arguments\": ", "}", "{")};
}

}  // namespace tinyllm

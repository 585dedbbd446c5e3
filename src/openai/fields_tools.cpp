// The functions that a model may call, and whether it may.

#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/quote.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"
#include "openai/message_reader.h"
#include "openai/shared_fields.h"
#include "openai/tool_reader.h"
#include "tool_call/tool_types.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr double kMaxInt = std::numeric_limits<std::int32_t>::max();

json function_of_tool(const std::string& path, const json& tool, bool& is_strict) {
  const json& type = member(path, tool, "type", "'function'");
  if (type != "function")
    refuse_value(path + ".type", type, "'function'; there are no other tools here");
  return read_function(path + ".function", member(path, tool, "function", "an object"), is_strict);
}

void set_tools(const json& value, ApiRequest& request) {
  take_tools(value, ".function.name", request, [&](const std::string& path, const json& tool) {
    return function_of_tool(path, tool, request.wants_strict_tools);
  });
}

void set_tool_choice(const json& value, ApiRequest& request) {
  if (value.is_object()) {
    const json& type = member("tool_choice", value, "type", "'function'");
    if (type != "function") refuse_value("tool_choice.type", type, "'function'");
    const json& function = member("tool_choice", value, "function", "an object with a name");
    if (!function.is_object()) refuse_value("tool_choice.function", function, "an object");
    choose_tool(request, ToolChoice::named,
                read_function_name("tool_choice.function.name",
                                   member("tool_choice.function", function, "name", "a string")));
  } else {
    choose_tool_by_word(value, request);
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
    {"reasoning_effort", FieldKind::string, "null", 0, kMaxPartNameBytes,
     "For templates that know it: how hard the model thinks. none: as enable_thinking false.", "",
     [](const json& v, ApiRequest& r) { set_reasoning_effort("reasoning_effort", v, r); }},
    {"thinking_token_budget", FieldKind::integer, "null", -1, kMaxInt,
     "At most that many tokens of thinking; then the model is made to answer. -1: any number.", "",
     [](const json& v, ApiRequest& r) { r.thinking_tokens = v.get<std::int64_t>(); }},
});

}  // namespace

std::span<const Field> tool_fields() { return kToolFields; }

void set_reasoning_effort(const std::string& field, const json& value, ApiRequest& request) {
  const std::string& word = read_string(field, value, kMaxPartNameBytes);
  if (word == "none") {
    if (!request.enable_thinking) request.enable_thinking = false;
  } else {
    request.reasoning_effort = word;
  }
}

void check_tool_choice(ApiRequest& request) {
  if (request.tool_choice == ToolChoice::none) request.tools.reset(), request.tool_types.reset();
  if (!request.tools) {
    const ToolChoice choice = request.tool_choice.value_or(ToolChoice::none);
    // Answers of /v1/responses say auto where there are no tools, and clients send that again.
    const bool may_be_auto = request.kind == ApiKind::responses;
    if (choice == ToolChoice::none || (choice == ToolChoice::automatic && may_be_auto)) return;
    throw ApiError(400, "invalid_value", "tool_choice",
                   "tool_choice is only allowed when there are tools");
  }
  if (request.tool_choice == ToolChoice::named && !request.tool_types->has(request.named_tool))
    refuse_field("tool_choice.function.name", quote(request.named_tool),
                 "the name of one of the tools");
}

}  // namespace tinyllm

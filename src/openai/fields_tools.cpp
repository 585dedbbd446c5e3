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

json function_of_tool(const std::string& path, const json& tool, bool& is_strict) {
  const json& type = member(path, tool, "type", "'function' or 'mcp'");
  if (type != "function")
    refuse_value(path + ".type", type,
                 "'function', or in a chat 'mcp' for the tools that this server runs");
  return read_function(path + ".function", member(path, tool, "function", "an object"), is_strict);
}

bool is_mcp(const json& tool) {
  return tool.is_object() && tool.contains("type") && tool["type"] == "mcp";
}

std::vector<std::string> read_names(const std::string& path, const json& names) {
  if (!names.is_array() || names.empty() || names.size() > kMaxTools)
    refuse_value(path, names, fmt::format("an array of 1 to {} names", kMaxTools));
  std::vector<std::string> all;
  for (std::size_t i = 0; i < names.size(); ++i)
    all.push_back(read_function_name(fmt::format("{}[{}]", path, i), names[i]));
  return all;
}

AskedServerTools read_server_tools(const std::string& path, const json& tool) {
  AskedServerTools asked = {.path = path, .server = {}, .names = {}, .approval = {}};
  for (const auto& [key, value] : tool.items()) {
    const std::string place = path + "." + key;
    if (key == "type" || value.is_null()) continue;
    if (key == "server_label") {
      asked.server = read_string(place, value, kMaxPartNameBytes);
      if (asked.server.empty()) refuse_value(place, value, "the name of a server");
    } else if (key == "allowed_tools") {
      asked.names = read_names(place, value);
    } else if (key == "require_approval") {
      if (value != "always" && value != "never") refuse_value(place, value, "'always' or 'never'");
      asked.approval = value.get<std::string>();
    } else if (key == "server_url" || key == "headers" || key == "authorization") {
      refuse_field(place, "given",
                   "left out: only the servers run that tinyllm serve was started with");
    } else {
      refuse_field(path, fmt::format("given with the key {}", quote(key)),
                   "an object of type, server_label, allowed_tools and require_approval");
    }
  }
  return asked;
}

void set_tools(const json& value, ApiRequest& request) {
  take_tools(value, ".function.name", request, [&](const std::string& path, const json& tool) {
    if (request.kind != ApiKind::chat || !is_mcp(tool))
      return function_of_tool(path, tool, request.wants_strict_tools);
    request.server_tools.push_back(read_server_tools(path, tool));
    return json();
  });
}

void set_approvals(const json& value, ApiRequest& request) {
  if (!value.is_array() || value.size() > kMaxApprovals)
    refuse_value("tool_approvals", value, fmt::format("an array of up to {} ids", kMaxApprovals));
  for (std::size_t i = 0; i < value.size(); ++i) {
    request.approvals.push_back(
        read_string(fmt::format("tool_approvals[{}]", i), value[i], kMaxPartNameBytes));
  }
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
    R"({"type": "array", "maxItems": 512, "items": {"anyOf": [{"type": "object", "required": ["type",)"
    R"( "function"], "properties": {"type": {"const": "function"}, "function": {"type": "object",)"
    R"( "required": ["name"], "properties": {"name": {"type": "string", "maxLength": 128},)"
    R"( "description": {"type": "string"}, "parameters": {"type": "object"},)"
    R"( "strict": {"type": "boolean"}}}}}, {"type": "object", "required": ["type"], "properties":)"
    R"( {"type": {"const": "mcp"}, "server_label": {"type": "string"}, "allowed_tools": {"type":)"
    R"( "array", "items": {"type": "string"}}, "require_approval": {"enum": ["always", "never"]}}}]}})";
constexpr std::string_view kChoiceSchema =
    R"({"anyOf": [{"type": "string", "enum": ["auto", "none", "required"]}, {"type": "object",)"
    R"( "required": ["type", "function"], "properties": {"type": {"const": "function"},)"
    R"( "function": {"type": "object", "required": ["name"], "properties":)"
    R"( {"name": {"type": "string"}}}}}]})";

// What a server with tools of its own knows besides.
constexpr std::string_view kApprovalsSchema =
    R"({"type": "array", "maxItems": 32, "items": {"type": "string"}})";

const auto kApprovalFields = std::to_array<Field>({
    {"tool_approvals", FieldKind::other, "null", 0, 0,
     "Calls at the end of messages that the server may run: the approval_request_id of each. An id "
     "holds once, for this call and this API key.",
     kApprovalsSchema, set_approvals},
});

const auto kToolFields = std::to_array<Field>({
    {"tools", FieldKind::other, "null", 0, 0,
     "The functions that the model may call. A template that knows no tools gets them in the form "
     "of Hermes. In a chat {\"type\": \"mcp\"} asks for the tools that the server runs itself.",
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
std::span<const Field> approval_fields() { return kApprovalFields; }

void set_reasoning_effort(const std::string& field, const json& value, ApiRequest& request) {
  const std::string& word = read_string(field, value, kMaxPartNameBytes);
  if (word == "none") {
    if (!request.enable_thinking) request.enable_thinking = false;
  } else {
    request.reasoning_effort = word;
  }
}

void check_tool_choice(ApiRequest& request) {
  if (request.tool_choice == ToolChoice::none) {
    request.tools.reset(), request.tool_types.reset();
    request.server_tools.clear();
  }
  if (!request.server_tools.empty()) return;  // asked again when it has them
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

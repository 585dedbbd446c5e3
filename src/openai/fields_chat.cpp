// Messages: what they may hold, and how the model's template turns them into a prompt.

#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "api/request.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"
#include "openai/message_reader.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

void check_keys(const std::string& path, const json& object) {
  if (object.size() <= kMaxKeys) return;
  refuse_field(path, fmt::format("an object of {} keys", object.size()),
               fmt::format("at most {}", kMaxKeys));
}

json read_call(const std::string& path, const json& call, std::size_t& n_bytes_left) {
  if (!call.is_object()) refuse_value(path, call, "an object with id, type and function");
  if (call.contains("type") && call["type"] != "function")
    refuse_value(path + ".type", call["type"], "'function'");
  if (!call.contains("function") || !call["function"].is_object())
    refuse_field(path + ".function", "missing", "an object with name and arguments");
  const json& function = call["function"];
  if (!function.contains("name")) refuse_field(path + ".function.name", "missing", "a string");
  json copy = json::object();
  if (call.contains("id") && !call["id"].is_null())
    copy["id"] = read_string(path + ".id", call["id"], kMaxPartNameBytes);
  const std::string arguments = path + ".function.arguments";
  copy["type"] = "function";
  copy["function"] = {
      {"name", read_string(path + ".function.name", function["name"], kMaxPartNameBytes)},
      {"arguments", function.contains("arguments") && !function["arguments"].is_null()
                        ? read_arguments(arguments, function["arguments"], n_bytes_left)
                        : json::object()}};
  return copy;
}

json read_calls(const std::string& path, const json& calls, std::size_t& n_bytes_left) {
  if (!calls.is_array()) refuse_value(path, calls, "an array of calls");
  if (calls.size() > kMaxToolCalls) {
    refuse_field(path, fmt::format("an array of {} calls", calls.size()),
                 fmt::format("at most {}", kMaxToolCalls));
  }
  json copies = json::array();
  for (std::size_t i = 0; i < calls.size(); ++i)
    copies.push_back(read_call(fmt::format("{}[{}]", path, i), calls[i], n_bytes_left));
  return copies;
}

// `n_bytes_left`: of arguments, which become values of JSON.
json read_message(const std::string& path, const json& message, std::size_t& n_bytes_left) {
  if (!message.is_object()) refuse_value(path, message, "an object with role and content");
  check_keys(path, message);
  if (!message.contains("role")) refuse_field(path + ".role", "missing", "a string");
  const std::string& role = read_string(path + ".role", message["role"], kMaxPartNameBytes);
  if (role.empty()) refuse_field(path + ".role", "an empty string", "a role, such as 'user'");
  const bool has_content = message.contains("content");
  // An assistant's turn may hold nothing but calls of tools, or nothing at all.
  const bool is_empty = role == "assistant" && (!has_content || message["content"].is_null());
  if (!has_content && !is_empty)
    refuse_field(path + ".content", "missing", "a string or an array of text parts");
  json copy = message;
  copy.erase("tool_calls");
  if (message.contains("tool_calls") && !message["tool_calls"].empty())
    copy["tool_calls"] = read_calls(path + ".tool_calls", message["tool_calls"], n_bytes_left);
  copy["content"] = is_empty ? "" : read_content(path + ".content", message["content"], {"text"});
  return copy;
}

void set_messages(const json& value, ApiRequest& request) {
  if (!value.is_array()) refuse_value("messages", value, "an array of messages");
  if (value.empty()) refuse_value("messages", value, "at least one message");
  if (value.size() > kMaxMessages) {
    refuse_field("messages", fmt::format("an array of {} messages", value.size()),
                 fmt::format("at most {}", kMaxMessages));
  }
  std::size_t n_bytes_left = kMaxArgumentBytes;
  const auto messages = share_json(json::array());
  for (std::size_t i = 0; i < value.size(); ++i)
    messages->push_back(read_message(fmt::format("messages[{}]", i), value[i], n_bytes_left));
  request.messages = messages;
}

void set_variables(const json& value, ApiRequest& request) {
  if (!value.is_object()) refuse_value("chat_template_kwargs", value, "an object");
  check_keys("chat_template_kwargs", value);
  for (const char* own : {"messages", "tools", "documents", "add_generation_prompt"}) {
    if (value.contains(own)) {
      throw ApiError(400, "invalid_value", "chat_template_kwargs",
                     fmt::format("chat_template_kwargs holds {}, which stands beside it", own));
    }
  }
  request.variables = share_json(value);
}

// An assistant's message may lack its content, which is not worth a second form here.
constexpr std::string_view kMessagesSchema =
    R"({"type": "array", "minItems": 1, "maxItems": 10000, "items": {"type": "object",)"
    R"( "required": ["role", "content"], "properties": {"role": {"type": "string", "minLength": 1,)"
    R"( "maxLength": 64}, "content": {"anyOf": [{"type": "string"}, {"type": "array", "items":)"
    R"( {"type": "object", "required": ["type", "text"], "properties": {"type": {"const": "text"},)"
    R"( "text": {"type": "string"}}}}]}, "name": {"type": "string"}, "tool_call_id": {"type": "string"},)"
    R"( "tool_calls": {"type": "array", "items": {"type": "object", "required": ["function"],)"
    R"( "properties": {"id": {"type": "string"}, "type": {"const": "function"}, "function":)"
    R"( {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"},)"
    R"( "arguments": {"type": "string"}}}}}}}}})";

const auto kChatFields = std::to_array<Field>({
    {"model", FieldKind::string, "null", 0, 1024,
     "One of the names that /v1/models lists; may be left out.", "",
     [](const json& v, ApiRequest& r) { r.model = v.get<std::string>(); }},
    {"max_tokens", FieldKind::integer, "null", 1, kMaxInt,
     "At most that many new tokens. Default, and upper bound: what the context still holds.", "",
     [](const json& v, ApiRequest& r) { r.max_tokens = v.get<int>(); }},
    {"max_completion_tokens", FieldKind::integer, "null", 1, kMaxInt,
     "The same under its newer name; it counts when both are given.", "",
     [](const json& v, ApiRequest& r) { r.max_tokens = v.get<int>(); }},
    {"add_special_tokens", FieldKind::boolean, "false", 0, 0,
     "Add the BOS and EOS tokens of the model's tokenizer to what its template wrote.", "",
     [](const json& v, ApiRequest& r) { r.add_special_tokens = v.get<bool>(); }},
    {"logprobs", FieldKind::boolean, "false", 0, 0,
     "Give the log probability of every token of the answer.", "",
     [](const json& v, ApiRequest& r) {
       r.logprobs = v.get<bool>();
       if (r.logprobs) r.params.n_logprobs = 0;
     }},
    {"top_logprobs", FieldKind::integer, "null", 0, kMaxLogprobs,
     "How many likely alternatives to show for each; needs logprobs.", "",
     [](const json& v, ApiRequest& r) { r.params.n_logprobs = v.get<int>(); }},
});

const auto kTemplateFields = std::to_array<Field>({
    {"messages", FieldKind::other, "", 0, 0,
     "The conversation: objects with role and content (a string, or text parts that are joined).",
     kMessagesSchema, set_messages},
    {"add_generation_prompt", FieldKind::boolean, "true", 0, 0,
     "Open the assistant's answer at the end of the prompt.", "",
     [](const json& v, ApiRequest& r) { r.add_generation_prompt = v.get<bool>(); }},
    {"continue_final_message", FieldKind::boolean, "false", 0, 0,
     "Leave the last message open and go on with it; needs add_generation_prompt false.", "",
     [](const json& v, ApiRequest& r) { r.continue_final_message = v.get<bool>(); }},
    {"chat_template_kwargs", FieldKind::other, "null", 0, 0,
     "Further variables for the model's chat template; they cannot replace the messages.",
     R"({"type": "object"})", set_variables},
});

}  // namespace

std::span<const Field> chat_fields() { return kChatFields; }
std::span<const Field> template_fields() { return kTemplateFields; }

}  // namespace tinyllm

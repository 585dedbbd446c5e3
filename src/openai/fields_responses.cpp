// OpenAI's /v1/responses: items of input become messages.

#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "api/request.h"
#include "base/json_values.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"
#include "openai/message_reader.h"
#include "openai/shared_fields.h"
#include "openai/tool_reader.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr std::size_t kMaxInputBytes = std::size_t{1} << 26;
constexpr std::size_t kMaxWordBytes = 2048, kMaxKeyBytes = 256, kMaxPairs = 16;
// Of tools, instructions and the like. Longer ones the answer does not repeat: it would hold them all
// the time.
constexpr std::size_t kMaxRepeatedBytes = 64 << 10;

void repeat(ApiRequest& request, const char* field, const json& value) {
  if (value.is_structured() && text_with_big_integers(value).size() > kMaxRepeatedBytes) return;
  if (value.is_string() && value.get_ref<const std::string&>().size() > kMaxRepeatedBytes) return;
  if (!request.repeated) request.repeated = share_json(json::object());
  (*request.repeated)[field] = value;
}

std::string text_member(const std::string& path, const json& item, const char* name) {
  return read_string(path + "." + name, member(path, item, name, "a string"), kMaxInputBytes);
}

void read_message(const std::string& path, const json& item, Conversation& conversation) {
  std::string role = text_member(path, item, "role");
  if (role == "developer") role = "system";  // templates know it by this name
  if (role != "user" && role != "assistant" && role != "system") {
    refuse_value(path + ".role", item["role"], "'user', 'assistant', 'system' or 'developer'");
  }
  const json& content = member(path, item, "content", "a string or an array of text parts");
  conversation.add_text(
      role, read_content(path + ".content", content, {"input_text", "output_text", "text"}));
}

// The model's own thoughts, as an answer of ours has them. What others hide in a summary stays out.
void read_reasoning(const std::string& path, const json& item, Conversation& conversation) {
  const auto content = item.find("content");
  if (content == item.end() || content->is_null()) return;
  conversation.add_reasoning(read_content(path + ".content", *content, {"reasoning_text"}));
}

void read_item(const std::string& path, const json& item, Conversation& conversation,
               std::size_t& n_bytes_left) {
  if (!item.is_object()) refuse_value(path, item, "an object");
  const auto found = item.find("type");
  const json type = found == item.end() || found->is_null() ? json("message") : *found;
  if (type == "message") {
    read_message(path, item, conversation);
  } else if (type == "reasoning") {
    read_reasoning(path, item, conversation);
  } else if (type == "function_call") {
    const json& arguments = member(path, item, "arguments", "a string");
    conversation.add_call(call_of(text_member(path, item, "call_id"),
                                  text_member(path, item, "name"),
                                  read_arguments(path + ".arguments", arguments, n_bytes_left)));
  } else if (type == "function_call_output") {
    const json& output = member(path, item, "output", "a string");
    conversation.add_result(
        text_member(path, item, "call_id"),
        read_content(path + ".output", output, {"input_text", "output_text", "text"}));
  } else {
    refuse_value(path + ".type", type,
                 "'message', 'reasoning', 'function_call' or 'function_call_output'");
  }
}

void set_input(const json& value, ApiRequest& request) {
  Conversation conversation;
  if (value.is_string()) {
    conversation.add_text("user", read_string("input", value, kMaxInputBytes));
  } else if (value.is_array()) {
    std::size_t n_bytes_left = kMaxArgumentBytes;
    for (std::size_t i = 0; i < value.size(); ++i)
      read_item(fmt::format("input[{}]", i), value[i], conversation, n_bytes_left);
  } else {
    refuse_value("input", value, "a string or an array of items");
  }
  conversation.take_into(request, "input");
}

void set_tools(const json& value, ApiRequest& request) {
  take_tools(value, ".name", request, [&](const std::string& path, const json& tool) {
    const json& type = member(path, tool, "type", "'function'");
    if (type != "function")
      refuse_value(path + ".type", type, "'function'; the server has no tools of its own");
    json function = tool;
    function.erase("type");
    return read_function(path, function, request.wants_strict_tools);
  });
  repeat(request, "tools", value);
}

void set_tool_choice(const json& value, ApiRequest& request) {
  if (value.is_object()) {
    const json& type = member("tool_choice", value, "type", "'function'");
    if (type != "function") refuse_value("tool_choice.type", type, "'function'");
    choose_tool(
        request, ToolChoice::named,
        read_function_name("tool_choice.name", member("tool_choice", value, "name", "a string")));
  } else {
    choose_tool_by_word(value, request);
  }
  repeat(request, "tool_choice", value);
}

void set_text(const json& value, ApiRequest& request) {
  if (!value.is_object()) refuse_value("text", value, "an object");
  const auto format = value.find("format");
  if (format != value.end() && !format->is_null()) ask_text_format("text.format", *format, request);
  repeat(request, "text", value);
}

void set_reasoning(const json& value, ApiRequest& request) {
  if (!value.is_object()) refuse_value("reasoning", value, "an object");
  const auto effort = value.find("effort");
  if (effort == value.end() || effort->is_null()) return;
  set_reasoning_effort("reasoning.effort", *effort, request);
  repeat(request, "reasoning", value);
}

void set_truncation(const json& value, ApiRequest&) {
  if (value == "disabled") return;
  throw ApiError(400, "unsupported_parameter", "truncation",
                 "truncation other than 'disabled' is not supported: nothing of a conversation is "
                 "dropped unseen");
}

// Words of the client's own that only the answer tells.
template <const char* kName>
void set_repeated(const json& value, ApiRequest& request) {
  repeat(request, kName, read_string(kName, value, kMaxWordBytes));
}

void set_metadata(const json& value, ApiRequest& request) {
  if (!value.is_object()) refuse_value("metadata", value, "an object of strings");
  if (value.size() > kMaxPairs) {
    refuse_field("metadata", fmt::format("an object of {} entries", value.size()),
                 fmt::format("at most {}", kMaxPairs));
  }
  for (const auto& [key, text] : value.items()) {
    if (key.size() > kMaxKeyBytes)
      refuse_field("metadata", fmt::format("an object with a key of {} bytes", key.size()),
                   fmt::format("at most {} a key", kMaxKeyBytes));
    read_string("metadata." + key, text, kMaxWordBytes);
  }
  repeat(request, "metadata", value);
}

constexpr char kUser[] = "user", kTier[] = "service_tier", kSafety[] = "safety_identifier",
               kCacheKey[] = "prompt_cache_key";

constexpr std::string_view kInputSchema = R"({"anyOf": [{"type": "string"}, {"type": "array"}]})";
constexpr std::string_view kObject = R"({"type": "object"})";
constexpr std::string_view kToolsSchema =
    R"({"type": "array", "maxItems": 512, "items": {"type": "object", "required": ["type",)"
    R"( "name"], "properties": {"type": {"const": "function"}, "name": {"type": "string"},)"
    R"( "description": {"type": "string"}, "parameters": {"type": "object"},)"
    R"( "strict": {"type": "boolean"}}}})";
constexpr std::string_view kChoiceSchema =
    R"({"anyOf": [{"type": "string", "enum": ["auto", "none", "required"]}, {"type": "object", "required":)"
    R"( ["type", "name"]}]})";

const auto kFields = std::to_array<Field>({
    {"model", FieldKind::string, "null", 0, 1024,
     "One of the names that /v1/models lists; may be left out.", "",
     [](const json& v, ApiRequest& r) { r.model = v.get<std::string>(); }},
    {"input", FieldKind::other, "", 0, 0,
     "A text, or items: messages, reasoning, function_call and function_call_output.", kInputSchema,
     set_input},
    {"instructions", FieldKind::string, "null", 0, kMaxInputBytes,
     "What stands before the conversation. Not kept for what goes on from this answer.", "",
     [](const json& v, ApiRequest& r) {
       r.system_text = v.get<std::string>();
       repeat(r, "instructions", v);
     }},
    {"previous_response_id", FieldKind::string, "null", 0, kMaxPartNameBytes,
     "Go on from that answer. The server keeps the latest ones in memory, until it ends.", "",
     [](const json& v, ApiRequest& r) {
       r.previous_response_id = v.get<std::string>();
       repeat(r, "previous_response_id", v);
     }},
    {"store", FieldKind::boolean, "true", 0, 0, "Keep this answer, so that others go on from it.",
     "", [](const json& v, ApiRequest& r) { r.store = v.get<bool>(); }},
    {"max_output_tokens", FieldKind::integer, "null", 1, kMaxInt,
     "At most that many new tokens. Default, and upper bound: what the context still holds.", "",
     [](const json& v, ApiRequest& r) {
       r.max_tokens = v.get<int>();
       repeat(r, "max_output_tokens", v);
     }},
    {"stream", FieldKind::boolean, "false", 0, 0,
     "Send the answer as it comes, as the events of this API.", "",
     [](const json& v, ApiRequest& r) { r.stream = v.get<bool>(); }},
    {"stream_options", FieldKind::other, "null", 0, 0, "Taken, and not looked at.", kObject,
     [](const json&, ApiRequest&) {}},
    {"tools", FieldKind::other, "null", 0, 0,
     "The functions that the model may call; they run at the client.", kToolsSchema, set_tools},
    {"tool_choice", FieldKind::other, "null", 0, 0,
     "auto: the model decides. none: it sees no tools. required, or a function: its answer is "
     "calls, whose arguments follow the schemas.",
     kChoiceSchema, set_tool_choice},
    {"parallel_tool_calls", FieldKind::boolean, "true", 0, 0,
     "false: calls after the first are no calls; they stay in the text.", "",
     [](const json& v, ApiRequest& r) { r.parallel_tool_calls = v.get<bool>(); }},
    {"text", FieldKind::other, "null", 0, 0,
     "What the text is: format is text, json_object or json_schema with a schema.", kObject,
     set_text},
    {"reasoning", FieldKind::other, "null", 0, 0,
     "effort: 'none' for a model that may think or not; other words go to the model's template.",
     kObject, set_reasoning},
    {"thinking_token_budget", FieldKind::integer, "null", -1, kMaxInt,
     "At most that many tokens of thinking; then the model is made to answer. -1: any number.", "",
     [](const json& v, ApiRequest& r) { r.thinking_tokens = v.get<std::int64_t>(); }},
    {"truncation", FieldKind::other, "\"disabled\"", 0, 0,
     "disabled: a conversation that is too long is refused.",
     R"({"type": "string", "const": "disabled"})", set_truncation},
    {"include", FieldKind::other, "null", 0, 0, "Taken, and not looked at.", R"({"type": "array"})",
     [](const json&, ApiRequest&) {}},
    {"metadata", FieldKind::other, "null", 0, 0, "The answer repeats it.", kObject, set_metadata},
    {"user", FieldKind::other, "null", 0, 0, "The answer repeats it.", R"({"type": "string"})",
     set_repeated<kUser>},
    {"safety_identifier", FieldKind::other, "null", 0, 0, "The answer repeats it.",
     R"({"type": "string"})", set_repeated<kSafety>},
    {"prompt_cache_key", FieldKind::other, "null", 0, 0, "The answer repeats it.",
     R"({"type": "string"})", set_repeated<kCacheKey>},
    {"service_tier", FieldKind::other, "null", 0, 0, "The answer repeats it.",
     R"({"type": "string"})", set_repeated<kTier>},
    {"background", FieldKind::other, "false", 0, 0, kNotSupported},
    {"conversation", FieldKind::other, "null", 0, 0, kNotSupported},
    {"prompt", FieldKind::other, "null", 0, 0, kNotSupported},
    {"max_tool_calls", FieldKind::other, "null", 0, 0, kNotSupported},
    {"top_logprobs", FieldKind::other, "0", 0, 0, kNotSupported},
});

}  // namespace

std::span<const Field> responses_fields() { return kFields; }

}  // namespace tinyllm

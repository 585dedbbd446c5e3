// Anthropic's /v1/messages and /v1/messages/count_tokens: blocks of content become messages.

#include <array>
#include <limits>
#include <nlohmann/json.hpp>

#include "api/request.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"
#include "openai/message_reader.h"
#include "openai/shared_fields.h"
#include "openai/tool_reader.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr double kSmallest = 1e-6;
constexpr std::size_t kMaxBlockBytes = std::size_t{1} << 26;

// One message's blocks. Results of tools stand before the user's own words, as templates want them.
class BlockReader {
 public:
  BlockReader(Conversation& conversation, std::string role, std::size_t& n_bytes_left)
      : conversation_(conversation), role_(std::move(role)), n_bytes_left_(n_bytes_left) {}

  void read(const std::string& path, const json& block) {
    if (!block.is_object()) refuse_value(path, block, "an object with a type");
    const json& type = member(path, block, "type", "a string");
    if (type == "text") {
      add_text(read_member(path, block, "text"));
    } else if (type == "tool_use" && role_ == "assistant") {
      read_call(path, block);
    } else if (type == "tool_result" && role_ == "user") {
      read_result(path, block);
    } else if (type == "thinking" && role_ == "assistant") {
      conversation_.add_reasoning(read_member(path, block, "thinking"));
    } else if (type != "redacted_thinking") {
      refuse_value(path + ".type", type,
                   role_ == "user" ? "'text' or 'tool_result'; other blocks are not supported yet"
                                   : "'text', 'tool_use' or 'thinking'");
    }
  }

  void finish() {
    if (has_text_) conversation_.add_text(role_, std::move(text_));
  }

 private:
  static std::string read_member(const std::string& path, const json& block, const char* name) {
    return read_string(path + "." + name, member(path, block, name, "a string"), kMaxBlockBytes);
  }

  // Parts of an assistant's turn keep their order; a user's words are gathered.
  void add_text(const std::string& text) {
    if (role_ == "assistant") return conversation_.add_text(role_, text);
    if (has_text_) text_ += "\n";
    text_ += text;
    has_text_ = true;
  }

  void read_call(const std::string& path, const json& block) {
    const json& input = member(path, block, "input", "an object");
    if (!input.is_object()) refuse_value(path + ".input", input, "an object");
    conversation_.add_call(call_of(read_member(path, block, "id"), read_member(path, block, "name"),
                                   read_arguments(path + ".input", input, n_bytes_left_)));
  }

  void read_result(const std::string& path, const json& block) {
    const auto content = block.find("content");
    const std::string text = content == block.end() || content->is_null()
                                 ? ""
                                 : read_content(path + ".content", *content, {"text"});
    conversation_.add_result(read_member(path, block, "tool_use_id"), text);
  }

  Conversation& conversation_;
  std::string role_, text_;
  bool has_text_ = false;
  std::size_t& n_bytes_left_;
};

void set_messages(const json& value, ApiRequest& request) {
  if (!value.is_array()) refuse_value("messages", value, "an array of messages");
  Conversation conversation;
  std::size_t n_bytes_left = kMaxArgumentBytes;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string path = fmt::format("messages[{}]", i);
    const json& message = value[i];
    if (!message.is_object()) refuse_value(path, message, "an object with role and content");
    const json& role = member(path, message, "role", "'user' or 'assistant'");
    if (role != "user" && role != "assistant" && role != "system")
      refuse_value(path + ".role", role, "'user' or 'assistant'");
    const json& content = member(path, message, "content", "a string or an array of blocks");
    if (!content.is_array() || role == "system") {
      conversation.add_text(role, read_content(path + ".content", content, {"text"}));
      continue;
    }
    BlockReader reader(conversation, role, n_bytes_left);
    for (std::size_t k = 0; k < content.size(); ++k)
      reader.read(fmt::format("{}.content[{}]", path, k), content[k]);
    reader.finish();
  }
  conversation.take_into(request, "messages");
  // The answer goes on with words that the client puts into the model's mouth.
  const json& last = request.messages->back();
  const bool has_text = !last["content"].get_ref<const std::string&>().empty();
  if (last["role"] == "assistant" && has_text && !last.contains("tool_calls")) {
    request.add_generation_prompt = false;
    request.continue_final_message = true;
  }
}

void set_output_config(const json& value, ApiRequest& request) {
  if (!value.is_object()) refuse_value("output_config", value, "an object");
  const auto format = value.find("format");
  if (format != value.end() && !format->is_null())
    ask_text_format("output_config.format", *format, request);
}

void set_tools(const json& value, ApiRequest& request) {
  take_tools(value, ".name", request, [&](const std::string& path, const json& tool) {
    const auto type = tool.find("type");
    if (type != tool.end() && !type->is_null() && *type != "custom")
      refuse_value(path + ".type", *type, "'custom'; the server has no tools of its own");
    json function = {{"name", member(path, tool, "name", "a string")}};
    if (tool.contains("description")) function["description"] = tool["description"];
    function["parameters"] = member(path, tool, "input_schema", "a JSON schema, an object");
    if (tool.contains("strict")) function["strict"] = tool["strict"];
    return read_function(path, function, request.wants_strict_tools);
  });
}

void set_tool_choice(const json& value, ApiRequest& request) {
  if (!value.is_object()) refuse_value("tool_choice", value, "an object with a type");
  const json& type = member("tool_choice", value, "type", "a string");
  if (type == "auto") {
    choose_tool(request, ToolChoice::automatic);
  } else if (type == "any") {
    choose_tool(request, ToolChoice::required);
  } else if (type == "none") {
    choose_tool(request, ToolChoice::none);
  } else if (type == "tool") {
    choose_tool(
        request, ToolChoice::named,
        read_function_name("tool_choice.name", member("tool_choice", value, "name", "a string")));
  } else {
    refuse_value("tool_choice.type", type, "'auto', 'any', 'tool' or 'none'");
  }
  const auto alone = value.find("disable_parallel_tool_use");
  if (alone != value.end() && !alone->is_null())
    request.parallel_tool_calls = !read_boolean("tool_choice.disable_parallel_tool_use", *alone);
}

void set_thinking(const json& value, ApiRequest& request) {
  if (!value.is_object()) refuse_value("thinking", value, "an object with a type");
  const json& type = member("thinking", value, "type", "'enabled' or 'disabled'");
  if (type == "adaptive") return;  // as the model likes
  if (type == "enabled") {
    request.enable_thinking = true;
    const auto budget = value.find("budget_tokens");
    if (budget != value.end() && !budget->is_null())
      request.thinking_tokens =
          static_cast<std::int64_t>(read_integer("thinking.budget_tokens", *budget, 0, kMaxInt));
  } else if (type == "disabled") {
    request.enable_thinking = false;
  } else {
    refuse_value("thinking.type", type, "'enabled', 'adaptive' or 'disabled'");
  }
}

constexpr std::string_view kMessagesSchema =
    R"({"type": "array", "minItems": 1, "maxItems": 10000, "items": {"type": "object",)"
    R"( "required": ["role", "content"], "properties": {"role": {"enum": ["user", "assistant"]},)"
    R"( "content": {"anyOf": [{"type": "string"}, {"type": "array"}]}}}})";
constexpr std::string_view kTextSchema = R"({"anyOf": [{"type": "string"}, {"type": "array"}]})";
constexpr std::string_view kToolsSchema =
    R"({"type": "array", "maxItems": 512, "items": {"type": "object", "required": ["name",)"
    R"( "input_schema"], "properties": {"name": {"type": "string"}, "description":)"
    R"( {"type": "string"}, "input_schema": {"type": "object"}}}})";
constexpr std::string_view kChoiceSchema =
    R"({"type": "object", "required": ["type"], "properties": {"type": {"enum": ["auto", "any",)"
    R"( "tool", "none"]}, "name": {"type": "string"}, "disable_parallel_tool_use":)"
    R"( {"type": "boolean"}}})";
constexpr std::string_view kThinkingSchema =
    R"({"type": "object", "required": ["type"], "properties": {"type": {"enum": ["enabled",)"
    R"( "adaptive", "disabled"]}, "budget_tokens": {"type": "integer"}}})";
constexpr std::string_view kStopSchema =
    R"({"type": "array", "maxItems": 16, "items": {"type": "string", "minLength": 1}})";

const auto kInputFields = std::to_array<Field>({
    {"model", FieldKind::string, "null", 0, 1024,
     "One of the names that /v1/models lists; may be left out.", "",
     [](const json& v, ApiRequest& r) { r.model = v.get<std::string>(); }},
    {"messages", FieldKind::other, "", 0, 0,
     "The conversation. Blocks may be text, tool_use, tool_result and thinking.", kMessagesSchema,
     set_messages},
    {"system", FieldKind::other, "null", 0, 0, "What stands before the conversation.", kTextSchema,
     [](const json& v, ApiRequest& r) { r.system_text = read_content("system", v, {"text"}); }},
    {"tools", FieldKind::other, "null", 0, 0,
     "The functions that the model may call; they run at the client.", kToolsSchema, set_tools},
    {"tool_choice", FieldKind::other, "null", 0, 0,
     "auto: the model decides. any, or a tool: its answer is calls, whose input follows the "
     "schemas. none: it sees no tools.",
     kChoiceSchema, set_tool_choice},
    {"thinking", FieldKind::other, "null", 0, 0,
     "For models that know it: whether the model thinks before it answers, and for how many tokens "
     "at most.",
     kThinkingSchema, set_thinking},
});

const auto kOutputFields = std::to_array<Field>({
    {"max_tokens", FieldKind::integer, "", 1, kMaxInt, "At most that many new tokens.", "",
     [](const json& v, ApiRequest& r) { r.max_tokens = v.get<int>(); }},
    {"stop_sequences", FieldKind::other, "null", 0, 0, "The text ends before any of these strings.",
     kStopSchema, [](const json& v, ApiRequest& r) { set_stop_strings("stop_sequences", v, r); }},
    {"stream", FieldKind::boolean, "false", 0, 0,
     "Send the answer as it comes, as Anthropic's events.", "",
     [](const json& v, ApiRequest& r) { r.stream = v.get<bool>(); }},
    {"temperature", FieldKind::number, "null", 0, 2,
     "How daring the draw is; 0 always takes the likeliest token. Default: the server's, else what "
     "the model's authors recommend, else 0.",
     "", [](const json& v, ApiRequest& r) { r.asked.temperature = v.get<float>(); }},
    {"top_p", FieldKind::number, "null", kSmallest, 1,
     "Draw from the smallest set of tokens whose probabilities reach this sum.", "",
     [](const json& v, ApiRequest& r) { r.asked.top_p = v.get<float>(); }},
    {"top_k", FieldKind::integer, "null", -1, kMaxInt, "Draw from the k likeliest tokens.", "",
     [](const json& v, ApiRequest& r) { r.asked.top_k = v.get<int>(); }},
    {"output_config", FieldKind::other, "null", 0, 0,
     "What the text is: format is a json_schema. effort is not looked at.", R"({"type": "object"})",
     set_output_config},
    {"output_format", FieldKind::other, "null", 0, 0, "The older name of output_config.format.",
     R"({"type": "object"})",
     [](const json& v, ApiRequest& r) { ask_text_format("output_format", v, r); }},
    {"metadata", FieldKind::other, "null", 0, 0, "Taken, and not looked at.",
     R"({"type": "object"})", [](const json&, ApiRequest&) {}},
    {"service_tier", FieldKind::other, "null", 0, 0, "Taken, and not looked at.",
     R"({"type": "string"})", [](const json&, ApiRequest&) {}},
    {"container", FieldKind::other, "null", 0, 0, kNotSupported},
    {"mcp_servers", FieldKind::other, "null", 0, 0, kNotSupported},
});

}  // namespace

std::span<const Field> message_input_fields() { return kInputFields; }
std::span<const Field> message_output_fields() { return kOutputFields; }

}  // namespace tinyllm

#include "openai/message_reader.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"
#include "base/json_parse.h"
#include "base/json_values.h"
#include "openai/api_error.h"
#include "openai/field_table.h"
#include "openai/field_value.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

}  // namespace

std::string read_content(const std::string& path, const json& content,
                         std::initializer_list<std::string_view> types) {
  if (content.is_string()) return content.get<std::string>();
  if (!content.is_array()) refuse_value(path, content, "a string or an array of text parts");
  std::string text;
  for (std::size_t i = 0; i < content.size(); ++i) {
    const std::string part_path = fmt::format("{}[{}]", path, i);
    const json& part = content[i];
    if (!part.is_object()) refuse_value(part_path, part, "an object with type and text");
    const json& type = member(part_path, part, "type", "'text'");
    if (std::ranges::none_of(types, [&](std::string_view known) { return type == known; })) {
      refuse_value(part_path + ".type", type,
                   fmt::format("'{}'; other parts are not supported yet", *types.begin()));
    }
    if (!part.contains("text")) refuse_field(part_path + ".text", "missing", "a string");
    if (i > 0) text += "\n";
    text += read_string(part_path + ".text", part["text"], kMaxTextBytes);
  }
  return text;
}

json read_arguments(const std::string& path, const json& arguments, std::size_t& n_bytes_left) {
  if (arguments.is_object()) return arguments;
  const std::string& text = read_string(path, arguments, kMaxTextBytes);
  if (text.size() > n_bytes_left)
    refuse_field(path, fmt::format("{} bytes after many others", text.size()),
                 fmt::format("at most {} bytes in all arguments together", kMaxArgumentBytes));
  n_bytes_left -= text.size();
  if (text.empty()) return json::object();
  try {
    json parsed = parse_ordered_json(text, path, {.max_depth = 64, .max_values = kMaxJsonValues});
    if (parsed.is_object()) return parsed;
    dismantle(parsed);
  } catch (const Error&) {
    return text;  // the model wrote it so, and gets it back
  }
  return text;
}

json call_of(const std::string& id, const std::string& name, json arguments) {
  return {{"id", id},
          {"type", "function"},
          {"function", {{"name", name}, {"arguments", std::move(arguments)}}}};
}

Conversation::Conversation() : messages_(share_json(json::array())) {}

void Conversation::add_text(const std::string& role, std::string text) {
  if (role != "assistant") {
    settle_reasoning();
    messages_->push_back({{"role", role}, {"content", std::move(text)}});
    return;
  }
  auto& content = assistant()["content"].get_ref<std::string&>();
  if (!content.empty() && !text.empty()) content += "\n";
  content += text;
}

void Conversation::add_reasoning(const std::string& text) {
  if (!reasoning_.empty()) reasoning_ += "\n";
  reasoning_ += text;
}

void Conversation::add_call(json call) {
  assistant()["tool_calls"].push_back(std::move(call));  // null becomes an array
}

void Conversation::add_result(const std::string& call_id, std::string text) {
  settle_reasoning();
  messages_->push_back({{"role", "tool"}, {"tool_call_id", call_id}, {"content", std::move(text)}});
}

// The assistant's message that is being written: the last one, or a new one.
json& Conversation::assistant() {
  if (messages_->empty() || messages_->back()["role"] != "assistant")
    messages_->push_back({{"role", "assistant"}, {"content", ""}});
  json& message = messages_->back();
  if (reasoning_.empty()) return message;
  std::string all = message.value("reasoning_content", "");
  if (!all.empty()) all += "\n";
  message["reasoning_content"] = all + std::exchange(reasoning_, "");
  return message;
}

// A turn that was cut while the model thought holds nothing else.
void Conversation::settle_reasoning() {
  if (!reasoning_.empty()) assistant();
}

void Conversation::take_into(ApiRequest& request, const char* field) {
  if (messages_->empty()) refuse_field(field, "empty", "at least one message");
  if (messages_->size() > kMaxMessages) {
    refuse_field(field, fmt::format("a conversation of {} messages", messages_->size()),
                 fmt::format("at most {}", kMaxMessages));
  }
  request.messages = messages_;
}

void add_system_text(ApiRequest& request) {
  if (request.system_text.empty()) return;
  const auto messages = share_json(json::array());
  messages->push_back({{"role", "system"}, {"content", request.system_text}});
  for (const json& message : *request.messages) messages->push_back(message);
  request.messages = messages;
}

}  // namespace tinyllm

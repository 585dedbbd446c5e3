#include "client/saved_talk.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/error.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

bool is_text(const json& object, const char* name) {
  return object.is_object() && object.contains(name) && object[name].is_string();
}

[[noreturn]] void refuse(std::size_t i, std::string_view wanted) {
  fail(ErrorCode::invalid_input, "not a saved talk: message {} must be {}", i, wanted);
}

bool has_calls(const json& message) {
  return message.contains("tool_calls") && !message["tool_calls"].empty();
}

json read_calls(const json& calls, std::size_t i) {
  if (!calls.is_array()) refuse(i, "text with calls of tools");
  json copies = json::array();
  for (const json& call : calls) {
    const bool is_call = is_text(call, "id") && call.contains("function") &&
                         is_text(call["function"], "name") &&
                         call["function"].contains("arguments");
    if (!is_call) refuse(i, "text with calls of tools: id, function, name and arguments");
    copies.push_back(
        {{"id", call["id"]},
         {"type", "function"},
         {"function",
          {{"name", call["function"]["name"]}, {"arguments", call["function"]["arguments"]}}}});
  }
  return copies;
}

// The role that a message may have after the one before it.
bool may_follow(const json& messages, std::string_view role) {
  if (messages.empty()) return role == "user";
  const json& before = messages.back();
  if (before["role"] == "user") return role == "assistant";
  if (before["role"] == "tool") return role == "tool" || role == "assistant";
  return role == (has_calls(before) ? "tool" : "user");
}

std::string_view wanted_after(const json& messages) {
  const bool is_questions =
      messages.empty() || (messages.back()["role"] == "assistant" && !has_calls(messages.back()));
  if (is_questions) return "text of the user";
  return messages.back()["role"] == "assistant" ? "text of the tool" : "text of the assistant";
}

}  // namespace

json read_talk(const json& talk) {
  if (!is_text(talk, "system") || !talk.contains("messages") || !talk["messages"].is_array()) {
    fail(ErrorCode::invalid_input,
         "not a saved talk: it has \"system\" and \"messages\", questions and answers in turn");
  }
  json messages = json::array();
  for (const json& message : talk["messages"]) {
    const std::size_t i = messages.size();
    const bool fits = is_text(message, "content") && is_text(message, "role") &&
                      may_follow(messages, message["role"].get_ref<const std::string&>());
    if (!fits) refuse(i, wanted_after(messages));
    json copy = {{"role", message["role"]}, {"content", message["content"]}};
    if (message["role"] == "assistant" && has_calls(message))
      copy["tool_calls"] = read_calls(message["tool_calls"], i);
    for (const char* name : {"tool_call_id", "name"}) {
      if (message["role"] == "tool" && is_text(message, name)) copy[name] = message[name];
    }
    messages.push_back(std::move(copy));
  }
  const bool is_whole = messages.empty() || may_follow(messages, "user");
  if (!is_whole) {
    fail(ErrorCode::invalid_input,
         "not a saved talk: it has \"system\" and \"messages\", questions and answers in turn");
  }
  return messages;
}

}  // namespace tinyllm

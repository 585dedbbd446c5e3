#include "openai/tool_prompt.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_values.h"
#include "openai/api_error.h"
#include "tool_call/answer_format.h"

namespace tinyllm {
namespace {

using json = nlohmann::ordered_json;

constexpr std::string_view kHermesBegin =
    "# Tools\n\nYou may call one or more functions to assist with the user query.\n\n"
    "You are provided with function signatures within <tools></tools> XML tags:\n<tools>";
constexpr std::string_view kHermesEnd =
    "\n</tools>\n\nFor each function call, return a json object with function name and arguments "
    "within <tool_call></tool_call> XML tags:\n<tool_call>\n"
    "{\"name\": <function-name>, \"arguments\": <args-json-object>}\n</tool_call>";

std::string_view source_of(const ServedModel& model) {
  const auto& chat_template = model.engine->text().chat_template;
  return chat_template ? std::string_view(chat_template->source()) : std::string_view();
}

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

// JSON text with the blanks of Python's json.dumps, which models have seen.
std::string dump(const json& value) {
  if (const auto digits = big_integer_in(value)) return std::string(*digits);
  if (!value.is_structured()) return value.dump(-1, ' ', false, json::error_handler_t::replace);
  std::string text(1, value.is_object() ? '{' : '[');
  for (const auto& [key, item] : value.items()) {
    if (text.size() > 1) text += ", ";
    if (value.is_object()) text += dump(json(key)) + ": ";
    text += dump(item);
  }
  return text + (value.is_object() ? '}' : ']');
}

bool has_calls(const json& message) { return message.contains("tool_calls"); }

// The calls and results of a conversation as the text that Hermes' template makes of them.
json in_hermes_words(const json& message) {
  json plain = message;
  std::string text = message["content"].get<std::string>();
  if (has_calls(message)) {
    for (const json& call : message["tool_calls"]) {
      const json& function = call["function"];
      const json& arguments = function["arguments"];
      const std::string json_text =
          arguments.is_string() ? arguments.get<std::string>() : dump(arguments);
      text += (text.empty() ? "" : "\n") + std::string("<tool_call>\n{\"name\": ") +
              dump(function["name"]) + ", \"arguments\": " + json_text + "}\n</tool_call>";
    }
    plain.erase("tool_calls");
  } else if (message["role"] == "tool") {
    text = "<tool_response>\n" + text + "\n</tool_response>";
    plain["role"] = "user";
  }
  plain["content"] = text;
  return plain;
}

json hermes_messages(const ApiRequest& request) {
  json messages = json::array();
  for (const json& message : *request.messages) messages.push_back(in_hermes_words(message));
  if (!request.tools) return messages;
  std::string tools(kHermesBegin);
  for (const json& tool : *request.tools) tools += "\n" + dump(tool);
  tools += kHermesEnd;
  if (messages.front()["role"] == "system") {
    messages.front()["content"] = messages.front()["content"].get<std::string>() + "\n\n" + tools;
  } else {
    messages.insert(messages.begin(), json{{"role", "system"}, {"content", tools}});
  }
  return messages;
}

// Templates that ask whether a turn's content is none mean turns with nothing but calls.
bool wants_no_content(std::string_view source) {
  return has(source, "content'] is none") || has(source, "content'] is not none");
}

json native_messages(const ApiRequest& request, const ServedModel& model, bool as_text) {
  json messages = *request.messages;
  const bool no_content = wants_no_content(source_of(model));
  for (json& message : messages) {
    if (!has_calls(message)) continue;
    json& content = message["content"];
    if (no_content && content.get_ref<const std::string&>().empty()) content = nullptr;
    if (!as_text) continue;
    for (json& call : message["tool_calls"]) {
      json& arguments = call["function"]["arguments"];
      if (!arguments.is_string()) arguments = dump(arguments);
    }
  }
  return messages;
}

bool uses_tools(const ApiRequest& request) {
  return request.tools || std::ranges::any_of(*request.messages, has_calls);
}

}  // namespace

void choose_formats(ServedModel& model, std::string_view tools, std::string_view reasoning) {
  const std::string_view source = source_of(model);
  model.tool_format = tools == "auto" ? tool_format_of(source) : find_tool_format(tools);
  model.reasoning_format =
      reasoning == "auto" ? reasoning_format_of(source) : find_reasoning_format(reasoning);
}

bool template_knows_tools(const ServedModel& model) { return has(source_of(model), "tools"); }

bool template_knows_thinking(const ServedModel& model) {
  return has(source_of(model), "enable_thinking");
}

bool template_knows_effort(const ServedModel& model) {
  return has(source_of(model), "reasoning_effort");
}

json template_inputs(const ApiRequest& request, const ServedModel& model, bool as_text) {
  json inputs = request.variables ? *request.variables : json::object();
  if (request.enable_thinking) {
    const bool is_known = template_knows_thinking(model);
    // Anthropic's clients ask for it by themselves, whatever the model.
    const bool may_ask = request.kind == ApiKind::messages || request.kind == ApiKind::count_tokens;
    if (*request.enable_thinking && !is_known && !may_ask)
      throw ApiError(400, "invalid_value", "enable_thinking",
                     "enable_thinking is true, but this model's chat template does not know it");
    if (is_known || !may_ask) inputs["enable_thinking"] = *request.enable_thinking;
  }
  // What is said of the template's own variables has the last word.
  if (!request.reasoning_effort.empty() && !inputs.contains("reasoning_effort"))
    inputs["reasoning_effort"] = request.reasoning_effort;
  if (uses_tools(request) && !template_knows_tools(model)) {
    inputs["messages"] = hermes_messages(request);
    return inputs;
  }
  inputs["messages"] = native_messages(request, model, as_text);
  if (request.tools) inputs["tools"] = *request.tools;
  return inputs;
}

bool opens_reasoning(const MarkedText& prompt, const ServedModel& model) {
  if (model.reasoning_format == nullptr) return false;
  const std::size_t last = prompt.text.find_last_not_of(" \n\r\t");
  if (last == std::string::npos) return false;
  const std::string_view text = std::string_view(prompt.text).substr(0, last + 1);
  return std::ranges::any_of(model.reasoning_format->begins, [&](std::string_view begin) {
    const bool is_users =
        !prompt.user_ranges.empty() &&
        prompt.user_ranges.back().end > text.size() - std::min(text.size(), begin.size());
    return text.ends_with(begin) && !is_users;
  });
}

}  // namespace tinyllm

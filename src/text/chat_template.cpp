#include "text/chat_template.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/jinja_from_json.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_parser.h"

namespace tinyllm {
namespace {

using Json = nlohmann::ordered_json;

// As transformers does: a message's reasoning, under whichever name it came, is visible as
// `reasoning_content` (and `thinking`).
Json with_reasoning_names(const Json& message) {
  for (const char* name : {"reasoning_content", "thinking", "reasoning"}) {
    const auto found = message.find(name);
    if (found == message.end() || found->is_null()) continue;
    Json result = Json::object();
    result["thinking"] = *found;
    for (const auto& [key, value] : message.items()) result[key] = value;
    result["reasoning_content"] = *found;
    return result;
  }
  return message;
}

Json checked_messages(const Json& inputs) {
  const auto messages = inputs.find("messages");
  if (messages == inputs.end() || !messages->is_array()) {
    fail(ErrorCode::invalid_input, "messages: is {}, must be an array of objects",
         messages == inputs.end() ? "missing" : messages->type_name());
  }
  Json result = Json::array();
  for (const Json& message : *messages) {
    if (!message.is_object()) {
      fail(ErrorCode::invalid_input, "messages[{}]: is {}, must be an object", result.size(),
           message.type_name());
    }
    result.push_back(with_reasoning_names(message));
  }
  return result;
}

}  // namespace

struct ChatTemplate::State {
  std::string source;
  jinja::Body body;
  Json special_tokens;
};

ChatTemplate::ChatTemplate(std::string_view source, const Json& special_tokens)
    : state_(std::make_unique<const State>(
          State{std::string(source), jinja::parse_template(source), special_tokens})) {}

ChatTemplate::ChatTemplate(ChatTemplate&&) noexcept = default;
ChatTemplate& ChatTemplate::operator=(ChatTemplate&&) noexcept = default;
ChatTemplate::~ChatTemplate() = default;

const std::string& ChatTemplate::source() const { return state_->source; }

MarkedText ChatTemplate::render(const Json& inputs, const TemplateOptions& options) const {
  if (!inputs.is_object()) {
    fail(ErrorCode::invalid_input, "template inputs: is {}, must be an object", inputs.type_name());
  }
  const Json messages = checked_messages(inputs);
  const std::time_t now = options.now != 0 ? options.now : std::time(nullptr);
  jinja::Runtime runtime(jinja::Limits{}, now);
  jinja::Scope* scope = runtime.push_scope(nullptr);
  if (state_->special_tokens.is_object()) {
    for (const auto& [name, token] : state_->special_tokens.items()) {
      scope->set(name, jinja::value_from_json(runtime, token, jinja::Origin::template_file));
    }
  }
  scope->set("tools", jinja::make_none());
  scope->set("documents", jinja::make_none());
  scope->set("add_generation_prompt", jinja::make_bool(options.add_generation_prompt));
  for (const auto& [name, input] : inputs.items()) {
    if (name == "add_generation_prompt") {
      fail(ErrorCode::invalid_input,
           "template inputs: 'add_generation_prompt' is an option of the render, not an input");
    }
    const Json& json = name == "messages" ? messages : input;
    scope->set(name, jinja::value_from_json(runtime, json, jinja::Origin::user));
  }
  return jinja::Interpreter(runtime, scope).run(state_->body);
}

}  // namespace tinyllm

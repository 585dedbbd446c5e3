#include "text/chat_template.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/jinja/access.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/json.h"
#include "text/jinja/parser.h"

namespace tinyllm {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxInputs = 256;

// As transformers does: a message's reasoning, under whichever name it came, is visible as
// `reasoning_content` (and `thinking`).
jinja::Value with_reasoning_names(jinja::Runtime& runtime, const jinja::Value& message) {
  const jinja::DictPayload& dict = *message.dict();
  const auto find = [&](const char* name) { return jinja::find_key(runtime, dict, name); };
  const jinja::Value* reasoning = nullptr;
  for (const char* name : {"reasoning_content", "thinking", "reasoning"}) {
    if (reasoning == nullptr || reasoning->is_none()) reasoning = find(name);
  }
  if (reasoning == nullptr || reasoning->is_none()) return message;
  std::vector<std::pair<jinja::Value, jinja::Value>> entries;
  const jinja::Value* thinking = find("thinking");
  entries.emplace_back(jinja::make_text("thinking"), thinking != nullptr ? *thinking : *reasoning);
  for (const auto& entry : dict.entries) {
    const std::string& key = entry.first.string()->marked.text;
    if (key == "thinking") continue;
    entries.push_back(entry);
    if (key == "reasoning_content") entries.back().second = *reasoning;
  }
  if (find("reasoning_content") == nullptr) {
    entries.emplace_back(jinja::make_text("reasoning_content"), *reasoning);
  }
  return runtime.dict(std::move(entries));
}

jinja::Value messages_from(jinja::Runtime& runtime, const Json& inputs) {
  const auto messages = inputs.find("messages");
  if (messages == inputs.end() || !messages->is_array()) {
    fail(ErrorCode::invalid_input, "messages: is {}, must be an array of objects",
         messages == inputs.end() ? "missing" : messages->type_name());
  }
  std::vector<jinja::Value> values;
  for (const Json& message : *messages) {
    if (!message.is_object()) {
      fail(ErrorCode::invalid_input, "messages[{}]: is {}, must be an object", values.size(),
           message.type_name());
    }
    values.push_back(with_reasoning_names(
        runtime, jinja::value_from_json(runtime, message, jinja::Origin::user)));
  }
  return runtime.list(std::move(values));
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
  if (inputs.size() > kMaxInputs) {
    fail(ErrorCode::invalid_input, "template inputs: are {}, must be at most {}", inputs.size(),
         kMaxInputs);
  }
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
  for (const auto& [name, input] : inputs.items()) {
    if (name == "add_generation_prompt") {
      fail(ErrorCode::invalid_input,
           "template inputs: 'add_generation_prompt' is an option of the render, not an input");
    }
    if (name == "messages") continue;
    scope->set(name, jinja::value_from_json(runtime, input, jinja::Origin::user));
  }
  scope->set("messages", messages_from(runtime, inputs));
  scope->set("add_generation_prompt", jinja::make_bool(options.add_generation_prompt));
  return jinja::Interpreter(runtime, scope).run(state_->body);
}

}  // namespace tinyllm

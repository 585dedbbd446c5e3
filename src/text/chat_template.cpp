#include "text/chat_template.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/utf8.h"
#include "text/jinja_interpreter.h"
#include "text/jinja_parser.h"

namespace tinyllm {
namespace {

using Json = nlohmann::ordered_json;

enum class Origin { user, template_file };

// JSON -> values. Everything that a user supplied is marked, keys too.
class JsonReader {
 public:
  JsonReader(jinja::Runtime& runtime, Origin origin) : runtime_(runtime), origin_(origin) {}

  jinja::Value string(std::string_view text) {
    MarkedText marked{replace_ill_formed(text), {}};
    if (origin_ == Origin::user && !marked.text.empty()) {
      marked.user_ranges.push_back({0, marked.text.size()});
    }
    return runtime_.string(std::move(marked));
  }

  jinja::Value value(const Json& json) {
    const jinja::DepthGuard guard(runtime_);
    switch (json.type()) {
      case Json::value_t::boolean: return jinja::make_bool(json.get<bool>());
      case Json::value_t::number_integer: return jinja::make_integer(json.get<std::int64_t>());
      case Json::value_t::number_unsigned: {
        const auto number = json.get<std::uint64_t>();
        if (number > INT64_MAX) {
          fail(ErrorCode::unsupported, "messages: the number {} does not fit in 63 bits", number);
        }
        return jinja::make_integer(static_cast<std::int64_t>(number));
      }
      case Json::value_t::number_float: return jinja::make_real(json.get<double>());
      case Json::value_t::string: return string(json.get_ref<const std::string&>());
      case Json::value_t::array: {
        std::vector<jinja::Value> items;
        for (const Json& item : json) items.push_back(value(item));
        return runtime_.list(std::move(items));
      }
      case Json::value_t::object: {
        std::vector<std::pair<jinja::Value, jinja::Value>> entries;
        for (const auto& [key, entry] : json.items()) {
          entries.emplace_back(string(key), value(entry));
        }
        return runtime_.dict(std::move(entries));
      }
      default: return jinja::make_none();
    }
  }

 private:
  jinja::Runtime& runtime_;
  Origin origin_;
};

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
  const std::time_t now = options.now != 0 ? options.now : std::time(nullptr);
  jinja::Runtime runtime(jinja::Limits{}, now);
  jinja::Scope* scope = runtime.push_scope(nullptr);
  JsonReader from_template(runtime, Origin::template_file);
  if (state_->special_tokens.is_object()) {
    for (const auto& [name, token] : state_->special_tokens.items()) {
      scope->set(name, from_template.value(token));
    }
  }
  scope->set("tools", jinja::make_none());
  scope->set("documents", jinja::make_none());
  scope->set("add_generation_prompt", jinja::make_bool(options.add_generation_prompt));
  JsonReader from_user(runtime, Origin::user);
  for (const auto& [name, input] : inputs.items()) {
    if (name == "add_generation_prompt") {
      fail(ErrorCode::invalid_input,
           "template inputs: 'add_generation_prompt' is an option of the render, not an input");
    }
    const bool is_messages = name == "messages";
    scope->set(name, from_user.value(is_messages ? checked_messages(inputs) : input));
  }
  if (!inputs.contains("messages")) checked_messages(inputs);  // fails
  return jinja::Interpreter(runtime, scope).run(state_->body);
}

}  // namespace tinyllm

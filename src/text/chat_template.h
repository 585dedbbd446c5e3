#pragma once
// Messages -> the exact prompt text that the model was trained on,
// through the model's own Jinja template. The template is data from a stranger:
// it runs in our interpreter (text/jinja/) and reaches nothing but its inputs,
// under caps on depth, steps and output bytes. Immutable: any thread may render.

#include <ctime>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/text_range.h"

namespace tinyllm {

struct TemplateOptions {
  bool add_generation_prompt = true;
  // Seconds since 1970 for strftime_now; 0: the current time, local time zone.
  std::time_t now = 0;
};

class ChatTemplate {
 public:
  // Parses once. `special_tokens` is an object {"bos_token": "...", "eos_token": "...", ...} that
  // the template sees as variables. Throws Error{invalid_input | unsupported}: "chat template, line
  // 3, column 8: ...".
  ChatTemplate(std::string_view source, const nlohmann::ordered_json& special_tokens);
  ChatTemplate(ChatTemplate&&) noexcept;
  ChatTemplate& operator=(ChatTemplate&&) noexcept;
  ~ChatTemplate();

  // `inputs` is an object: "messages" (required, an array of objects), "tools", "documents" and any
  // further variables. A caller that takes such variables from a request (chat_template_kwargs)
  // puts them in first and messages, tools and documents last, so that they cannot be replaced; a
  // variable named "add_generation_prompt" is refused. Renders as transformers' apply_chat_template
  // does: contents and tool call arguments are shown as given, so text parts are joined and
  // arguments parsed before. All strings of `inputs`, keys and roles too, count as the user's.
  // Throws Error{invalid_input} for what the template refuses (raise_exception), cannot do or is
  // capped at (jinja::Limits), with line and column; Error{unsupported} where only we cannot.
  MarkedText render(const nlohmann::ordered_json& inputs,
                    const TemplateOptions& options = {}) const;

  const std::string& source() const;

 private:
  struct State;
  std::unique_ptr<const State> state_;
};

}  // namespace tinyllm

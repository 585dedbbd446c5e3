#pragma once
// The text of a model's chat template and the special tokens that it may name, from any container.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "loader/checkpoint.h"

namespace tinyllm {

struct ChatTemplateSource {
  std::string text;
  nlohmann::ordered_json special_tokens;  // {"bos_token": "...", ...}
};

// Empty when the model has no template. Where there are several, the one called "default"; the one
// for tools only when that is all there is. Throws Error{invalid_input} for a field of a wrong
// type.
std::optional<ChatTemplateSource> find_chat_template(const Checkpoint& checkpoint);

}  // namespace tinyllm

#pragma once
// The text of a model's chat template and the special tokens that it may name, from any container.

#include <optional>
#include <string>

#include "loader/checkpoint.h"
#include "loader/text/special_tokens.h"

namespace tinyllm {

struct ChatTemplateSource {
  std::string text;
  SpecialTokens special_tokens;
};

// Empty when the model has no template. Where there are several,
// the one called "default"; the one for tools only when that is all there is.
// Throws Error{invalid_input} for a field of a wrong type.
std::optional<ChatTemplateSource> find_chat_template(const Checkpoint& checkpoint);

}  // namespace tinyllm

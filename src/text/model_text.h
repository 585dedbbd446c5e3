#pragma once
// The text side of a model: what turns text into token ids and back, as far as the model has it.
// Loaders fill it (loader/text/text_sources.h). Plain structs; immutable once filled.

#include <optional>
#include <string>
#include <vector>

#include "base/token_id.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace tinyllm {

// What the model's authors recommend; a field that they do not name is empty.
struct GenerationDefaults {
  // The stop set: the ids of the eos lists, of eot and eom, and of known end tokens.
  std::vector<TokenId> stop_token_ids;
  std::optional<float> temperature, top_p, min_p, repetition_penalty;
  std::optional<int> top_k;
};

struct ModelText {
  std::optional<Tokenizer> tokenizer;
  std::optional<ChatTemplate> chat_template;  // empty for a base model
  // Why the model's template cannot be used; chat_template is then empty. Text is completed all the
  // same. "" when nothing is wrong.
  std::string chat_template_error;
  GenerationDefaults defaults;
};

}  // namespace tinyllm

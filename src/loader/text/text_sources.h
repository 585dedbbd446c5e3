#pragma once
// From a checkpoint to the text side: tokenizer, chat template and default generation settings,
// from GGUF metadata or from tokenizer.json, tokenizer_config.json, chat_template.jinja and
// generation_config.json.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/token_id.h"
#include "loader/checkpoint.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace tinyllm {

// What the tokenizer is made of, with one text for each row of the embedding. Empty when the folder
// has no tokenizer at all (only --token-ids works then). Throws Error{unsupported} for a
// SentencePiece or WordPiece vocabulary, Error{invalid_input} for a broken one.
std::optional<TokenizerSpec> load_tokenizer_spec(const Checkpoint& checkpoint);

// The tokenizer itself; empty and throws as above.
std::optional<Tokenizer> load_tokenizer(const Checkpoint& checkpoint);

// Empty when the model has no template (a base model).
std::optional<ChatTemplate> load_chat_template(const Checkpoint& checkpoint);

// What the model's authors recommend; a field that they do not name is empty.
struct GenerationDefaults {
  std::vector<TokenId> stop_token_ids;  // the stop set: eos lists, eot, eom and known end tokens
  std::optional<float> temperature, top_p, min_p, repetition_penalty;
  std::optional<int> top_k;
};
GenerationDefaults load_generation_defaults(const Checkpoint& checkpoint,
                                            const Tokenizer* tokenizer);

// All of it: what turns text into ids and back, as far as the model has it.
struct ModelText {
  std::optional<Tokenizer> tokenizer;
  std::optional<ChatTemplate> chat_template;
  GenerationDefaults defaults;
};
ModelText load_model_text(const Checkpoint& checkpoint);

}  // namespace tinyllm

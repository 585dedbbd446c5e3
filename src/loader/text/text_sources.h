#pragma once
// From a checkpoint to the text side: tokenizer, chat template and default
// generation settings, from GGUF metadata or from tokenizer.json,
// tokenizer_config.json, chat_template.jinja and generation_config.json.

#include <optional>

#include "loader/checkpoint.h"
#include "text/model_text.h"

namespace tinyllm {

// What the tokenizer is made of, with one text for each row of the embedding. Empty when the folder
// has no tokenizer at all (only --token-ids works then). Throws Error{unsupported} for a
// SentencePiece or WordPiece vocabulary, Error{invalid_input} for a broken one.
std::optional<TokenizerSpec> load_tokenizer_spec(const Checkpoint& checkpoint);

// The tokenizer itself; empty, and throws, in the same cases.
std::optional<Tokenizer> load_tokenizer(const Checkpoint& checkpoint);

// Empty when the model has no template (a base model).
std::optional<ChatTemplate> load_chat_template(const Checkpoint& checkpoint);

GenerationDefaults load_generation_defaults(const Checkpoint& checkpoint,
                                            const Tokenizer* tokenizer);

// All of it.
ModelText load_model_text(const Checkpoint& checkpoint);

}  // namespace tinyllm

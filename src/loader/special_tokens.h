#pragma once
// The named special tokens of a model: bos_token -> "<|im_start|>", eos_token -> ... A chat
// template sees them as variables.

#include <map>
#include <string>

#include "loader/gguf_metadata.h"
#include "loader/hf_folder.h"

namespace tinyllm {

using SpecialTokens = std::map<std::string, std::string>;  // text by name

// Every field NAME_token of tokenizer_config.json (and of special_tokens_map.json, where the first
// says nothing) that is a string or an object with "content".
SpecialTokens special_tokens_from_hf(const HuggingFaceFolder& folder);

// The tokens whose ids the metadata name.
SpecialTokens special_tokens_from_gguf(const GgufMetadata& metadata);

}  // namespace tinyllm

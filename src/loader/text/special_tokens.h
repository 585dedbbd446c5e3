#pragma once
// The named special tokens of a model: bos_token -> "<|im_start|>", eos_token -> ... A chat
// template sees them as variables.

#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "loader/gguf_metadata.h"
#include "loader/hf_folder.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {

using SpecialTokens = std::map<std::string, std::string>;  // text by name
using NamedTokens = std::vector<std::pair<std::string, AddedToken>>;

// GGUF's key and transformers' name. The spelling "seperator" is GGUF's own.
inline constexpr std::array<std::pair<const char*, const char*>, 7> kGgufSpecialTokens = {{
    {"tokenizer.ggml.bos_token_id", "bos_token"},
    {"tokenizer.ggml.eos_token_id", "eos_token"},
    {"tokenizer.ggml.unknown_token_id", "unk_token"},
    {"tokenizer.ggml.seperator_token_id", "sep_token"},
    {"tokenizer.ggml.padding_token_id", "pad_token"},
    {"tokenizer.ggml.cls_token_id", "cls_token"},
    {"tokenizer.ggml.mask_token_id", "mask_token"},
}};

// Every field NAME_token of tokenizer_config.json that is a string or an object with "content". As in
// transformers, special_tokens_map.json counts only where the first file has no
// "added_tokens_decoder", and then more than the first.
NamedTokens named_tokens_from_hf(const HuggingFaceFolder& folder);
SpecialTokens special_tokens_from_hf(const HuggingFaceFolder& folder);

// The tokens whose ids the metadata name.
SpecialTokens special_tokens_from_gguf(const GgufMetadata& metadata);

}  // namespace tinyllm

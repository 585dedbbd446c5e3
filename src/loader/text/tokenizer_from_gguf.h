#pragma once
// The vocabulary in a GGUF file's metadata -> TokenizerSpec.

#include <cstdint>
#include <optional>
#include <string_view>

#include "loader/gguf_metadata.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {

// "tokenizer.ggml.token_type" (llama.h, enum llama_token_type).
enum class GgufTokenType : std::int32_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5
};

// The "tokenizer.ggml.pre" of a spec's pretokenizer; empty when it has none.
std::optional<std::string_view> gguf_pretokenizer_name(const TokenizerSpec& spec);

// Empty when the file has no vocabulary. Throws Error{unsupported} for vocabularies that are no
// byte-level BPE and for unknown pretokenizers, by name; Error{invalid_input} for a broken one.
std::optional<TokenizerSpec> tokenizer_from_gguf(const GgufMetadata& metadata);

}  // namespace tinyllm

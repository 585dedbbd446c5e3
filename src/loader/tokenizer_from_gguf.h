#pragma once
// The vocabulary in a GGUF file's metadata -> TokenizerSpec.

#include <optional>

#include "loader/gguf_metadata.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {

// Empty when the file has no vocabulary. Throws Error{unsupported} for vocabularies that are no
// byte-level BPE and for unknown pretokenizers, by name; Error{invalid_input} for a broken one.
std::optional<TokenizerSpec> tokenizer_from_gguf(const GgufMetadata& metadata);

}  // namespace tinyllm

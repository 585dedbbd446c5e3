#pragma once
// tokenizer.json and tokenizer_config.json of a Hugging Face folder -> TokenizerSpec.

#include <optional>

#include "loader/hf_folder.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {

// Empty when the folder has no vocabulary in any form. Throws Error{unsupported} when it has one
// without tokenizer.json (SentencePiece, older files), and as parse_tokenizer_json.
std::optional<TokenizerSpec> tokenizer_from_hf(const HuggingFaceFolder& folder);

}  // namespace tinyllm

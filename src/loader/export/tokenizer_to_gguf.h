#pragma once
// A tokenizer as GGUF metadata: what tokenizer_from_gguf reads, llama.cpp too.

#include "loader/export/gguf_keys.h"
#include "loader/text/special_tokens.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {

// spec: one text for each row of the embedding (load_tokenizer_spec). `special_tokens` beyond BOS
// and EOS, which the spec names, get their ids. Reads back what it wrote: throws Error{unsupported}
// that names what GGUF cannot express (a pretokenizer of no known name, tokens that strip the space
// beside them, ...), since other programs would split text in another way.
void add_tokenizer_keys(const TokenizerSpec& spec, const SpecialTokens& special_tokens,
                        GgufKeys& keys);

}  // namespace tinyllm

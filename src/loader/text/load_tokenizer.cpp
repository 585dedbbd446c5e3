#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/quote.h"
#include "loader/gguf_file.h"
#include "loader/hf_folder.h"
#include "loader/text/text_sources.h"
#include "loader/text/tokenizer_from_gguf.h"
#include "loader/text/tokenizer_from_hf.h"
#include "text/tokenizer_spec.h"

namespace tinyllm {
namespace {

std::optional<TokenizerSpec> find_spec(const Checkpoint& checkpoint) {
  if (checkpoint.gguf() != nullptr) return tokenizer_from_gguf(checkpoint.gguf()->metadata());
  if (checkpoint.hugging_face() != nullptr) return tokenizer_from_hf(*checkpoint.hugging_face());
  return std::nullopt;
}

// Makes the ids of the tokenizer those of the embedding. A padded embedding gets unused ids. Some
// published fine-tunes name an added token behind the end of the embedding: it can never be used.
void fit_to_model(TokenizerSpec& spec, std::int64_t vocab_size) {
  const auto n_rows = static_cast<std::size_t>(vocab_size);
  std::erase_if(spec.added_tokens, [&](const AddedToken& token) {
    if (token.id < vocab_size) return false;
    log(LogLevel::warning, "{}: added token {} has id {}, the model has {} ids; it is left out",
        spec.source, quote(token.text), token.id, vocab_size);
    if (static_cast<std::size_t>(token.id) < spec.tokens.size()) {
      spec.tokens[token.id].clear();
    }
    return true;
  });
  for (std::size_t id = n_rows; id < spec.tokens.size(); ++id) {
    if (spec.tokens[id].empty()) continue;
    fail(ErrorCode::invalid_input,
         "{}: token {} has id {}, the model has {} ids; the tokenizer belongs to another model",
         spec.source, quote(spec.tokens[id]), id, vocab_size);
  }
  spec.tokens.resize(n_rows);
}

}  // namespace

std::optional<TokenizerSpec> load_tokenizer_spec(const Checkpoint& checkpoint) {
  std::optional<TokenizerSpec> spec = find_spec(checkpoint);
  if (spec) fit_to_model(*spec, checkpoint.config().vocab_size);
  return spec;
}

std::optional<Tokenizer> load_tokenizer(const Checkpoint& checkpoint) {
  std::optional<TokenizerSpec> spec = load_tokenizer_spec(checkpoint);
  if (!spec) return std::nullopt;
  return Tokenizer(std::move(*spec));
}

}  // namespace tinyllm

#include "engine/output_stream.h"

namespace tinyllm {

OutputStream::OutputStream(const Tokenizer* tokenizer, const SamplingParams& params,
                           bool skip_special)
    : tokenizer_(tokenizer), stops_(params.stop) {
  if (tokenizer != nullptr) detokenizer_.emplace(*tokenizer, skip_special);
}

std::string OutputStream::push(TokenId token_id, bool& stopped) {
  // Rows of the head that pad its size are no token of the vocabulary.
  if (!detokenizer_ || token_id >= tokenizer_->vocab_size()) return "";
  std::string text = stops_.push(detokenizer_->push(token_id));
  stopped = stops_.matched();
  return text;
}

std::string OutputStream::finish() {
  if (!detokenizer_ || stops_.matched()) return "";
  std::string text = stops_.push(detokenizer_->finish());
  return text + stops_.finish();
}

}  // namespace tinyllm

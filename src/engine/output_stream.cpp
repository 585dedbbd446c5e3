#include "engine/output_stream.h"

namespace tinyllm {

OutputStream::OutputStream(const Tokenizer* tokenizer, const SamplingParams& params,
                           bool skip_special)
    : stops_(params.stop) {
  if (tokenizer != nullptr) detokenizer_.emplace(*tokenizer, skip_special);
}

std::string OutputStream::push(TokenId token_id, bool& stopped) {
  if (!detokenizer_) return "";
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

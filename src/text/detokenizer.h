#pragma once
// Token ids -> text as they come, never half a character. One object per sequence; one thread.

#include <string>

#include "base/token_id.h"
#include "text/tokenizer.h"

namespace tinyllm {

class Detokenizer {
 public:
  // `tokenizer` must outlive this object.
  explicit Detokenizer(const Tokenizer& tokenizer, bool skip_special = true);

  // The text that this token completes: whole characters only, "" while one is still open.
  // Bytes that can never become a character come out as U+FFFD.
  // All pieces joined with finish() equal Tokenizer::decode.
  std::string push(TokenId token_id);

  // What is left of an unfinished character, as U+FFFD.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  bool skip_special_;
  std::string pending_;  // at most 3 bytes: the beginning of a character
};

}  // namespace tinyllm

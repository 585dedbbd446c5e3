#pragma once
// One choice on its way to text: detokenizes, holds back what may begin a stop string, cuts at the
// first match. Engine thread only.

#include <optional>
#include <string>
#include <vector>

#include "api/output.h"
#include "api/sampling_params.h"
#include "text/detokenizer.h"
#include "text/stop_strings.h"

namespace tinyllm {

class OutputStream {
 public:
  // tokenizer may be nullptr: the text then stays empty and only token ids count.
  OutputStream(const Tokenizer* tokenizer, const SamplingParams& params, bool skip_special);

  // Takes one token. Returns the text that is certain
  // now; `stopped` says that a stop string matched.
  std::string push(TokenId token_id, bool& stopped);
  // What was held back, when the text ends without a match.
  std::string finish();
  const std::string& matched() const { return stops_.matched_string(); }

 private:
  const Tokenizer* tokenizer_;
  std::optional<Detokenizer> detokenizer_;
  StopStrings stops_;
};

}  // namespace tinyllm

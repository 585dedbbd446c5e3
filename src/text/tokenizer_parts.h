#pragma once
// What every tokenizer.json of Hugging Face has in common, whatever its model: sequences of parts, and
// the tokens around a text. Any thread.

#include <vector>

#include "base/json_field.h"
#include "base/token_id.h"

namespace tinyllm {

// A component whose type is "Sequence" stands for its parts (field `parts_name`), and they for
// theirs; null stands for none.
std::vector<JsonField> tokenizer_parts(const JsonField& component, const char* parts_name);

// BOS and EOS, or [CLS] and [SEP].
struct AroundText {
  std::vector<TokenId> before, behind;
};

// "post_processor". Throws Error{invalid_input | unsupported} that names the field.
AroundText read_post_processor(const JsonField& post_processor);

}  // namespace tinyllm

#pragma once
// How long a model may think before it answers. A plain struct.

#include <cstdint>
#include <string>
#include <vector>

#include "base/token_id.h"

namespace tinyllm {

// What stands before and behind the thinking: ordinary text, or one special token.
struct ThinkingMark {
  std::string text;
  bool is_special = false;  // only the token counts, not the same words as text
};

struct ThinkingLimit {
  std::int64_t max_tokens = 0;  // of the thinking itself, without marks; 0: none
  std::vector<ThinkingMark> begins, ends;
  std::vector<TokenId> end_ids;  // what is written when the tokens are used up: one of `ends`
  bool has_begun = false;        // in the prompt; else a text may begin with one of `begins`
};

}  // namespace tinyllm

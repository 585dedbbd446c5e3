#pragma once
// A parsed regular expression as an expression over bytes. Anchors and look-aheads are resolved
// exactly: an anchor may stand anywhere but inside a repetition.

#include <string>

#include "grammar/char_encoder.h"
#include "grammar/regex_syntax.h"

namespace tinyllm {

enum class RegexScope {
  whole,   // the whole text matches; ^ and $ at its ends say nothing
  search,  // some part of the text matches, as JSON Schema's "pattern" has it
};

// Throws Error{unsupported} that begins with `source`.
ExprId lower_regex(CharEncoder& encoder, const RegexNode& node, RegexScope scope,
                   const std::string& source);

}  // namespace tinyllm

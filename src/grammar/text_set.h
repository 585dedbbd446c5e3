#pragma once
// One of many texts as one expression: a tree of their common beginnings, so that a thousand
// choices cost a step no more than ten.

#include <string>
#include <vector>

#include "grammar/char_encoder.h"

namespace tinyllm {

// `texts` are well-formed UTF-8. No text: kNothing.
ExprId any_text_of(CharEncoder& encoder, std::vector<std::string> texts);

// At most a few spaces and line breaks.
ExprId short_space(CharEncoder& encoder);

// Any text that holds no `part`.
ExprId text_without(CharEncoder& encoder, ExprId part);

// What ends with the first `end` in it.
ExprId text_up_to(CharEncoder& encoder, ExprId end);

}  // namespace tinyllm

#pragma once
// Values as text: str() and repr(), character for character as Python writes them. Bytes that came
// from a user's string stay marked. Render thread.

#include <string>

#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

void append_str(TextBuilder& out, Runtime& runtime, const Value& value);
void append_repr(TextBuilder& out, Runtime& runtime, const Value& value);
void append_ascii(TextBuilder& out, Runtime& runtime, const Value& value);  // repr, then \u escapes
MarkedText to_str(Runtime& runtime, const Value& value);
std::string to_plain_repr(Runtime& runtime, const Value& value);  // for messages, cut short

std::string repr_of_real(double value);  // "1.0", "1e+16", "inf"

// HTML: & < > ' " as markupsafe writes them.
void append_escaped(TextBuilder& out, const MarkedText& text);

}  // namespace tinyllm::jinja

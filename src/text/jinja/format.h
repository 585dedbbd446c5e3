#pragma once
// Values as text: str(), repr(), json.dumps() and the % operator, character for character as Python
// writes them. Bytes that came from a user's string stay marked. Render thread.

#include <string>

#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

void append_str(TextBuilder& out, Runtime& runtime, const Value& value);
void append_repr(TextBuilder& out, Runtime& runtime, const Value& value);
MarkedText to_str(Runtime& runtime, const Value& value);
std::string to_plain_repr(Runtime& runtime, const Value& value);  // for messages, cut short

std::string repr_of_real(double value);  // "1.0", "1e+16", "inf"

struct JsonOptions {
  bool ensure_ascii = false;
  bool sort_keys = false;
  const StringPayload* indent = nullptr;          // one level of indentation; null: all on one line
  const StringPayload* item_separator = nullptr;  // null: as json.dumps chooses
  const StringPayload* key_separator = nullptr;
};
void append_json(TextBuilder& out, Runtime& runtime, const Value& value,
                 const JsonOptions& options);

// HTML: & < > ' " as markupsafe writes them.
void append_escaped(TextBuilder& out, const MarkedText& text);

// format % values: %s %r %d %i %u %x %X %o %f %e %g %c %% with flags, width and precision.
Value format_percent(Runtime& runtime, const StringPayload& format, const Value& values);

}  // namespace tinyllm::jinja

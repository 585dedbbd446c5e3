#pragma once
// Text from a pattern and values, as Python's % operator and str.format() make it. Bytes that came
// from a user's string stay marked. Render thread.

#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

// format % values: %s %r %d %i %u %x %X %o %f %F %e %E %g %G %% with flags, width and precision.
Value format_percent(Runtime& runtime, const StringPayload& format, const Value& values);

// "{} {0} {name}".format(...); format specifications and conversions are Error{unsupported}.
MarkedText format_braces(Runtime& runtime, const MarkedText& format, const CallArgs& args);

}  // namespace tinyllm::jinja

#pragma once
// Text from a pattern and values, as Python's % operator and str.format() make it. Bytes that came
// from a user's string stay marked. Render thread.

#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

// format % values: %s %r %a %c %d %i %u %x %X %o %f %F %e %E %g %G %% with flags, width and
// precision.
Value format_percent(Runtime& runtime, const StringPayload& format, const Value& values);

// "{} {0.key} {name!r:>5}".format(...) (format_braces.cpp).
MarkedText format_braces(Runtime& runtime, const MarkedText& format, const CallArgs& args);

}  // namespace tinyllm::jinja

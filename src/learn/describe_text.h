#pragma once
// A wrong text or trace in words: which line, and where in it; of a trace every step up to the first
// that went wrong. For learn/explain. Any thread.

#include <string>

#include "learn/golden.h"

namespace tinyllm::learn {

// `index`: the first character that differs, in `got`. The first line is the title.
std::string describe_text(const GoldenCase& golden, const Wanted& wanted, const std::string& got,
                          std::int64_t index);
std::string describe_trace(const GoldenCase& golden, const Wanted& wanted, const std::string& got,
                           std::int64_t index);

}  // namespace tinyllm::learn

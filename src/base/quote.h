#pragma once
// Names that come from a file, made fit for a one-line message. Any thread.

#include <string>
#include <string_view>

namespace tinyllm {

// 'text' in single quotes: control characters and bytes outside ASCII as \xHH, cut after 80 bytes.
std::string quote(std::string_view text);

}  // namespace tinyllm

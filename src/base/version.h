#pragma once
// Which tiny-llm this is. Any thread.

#include <string_view>

namespace tinyllm {

std::string_view version();  // "0.1.0"

}  // namespace tinyllm

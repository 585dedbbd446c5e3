#pragma once
// The values of JSON Schema's "format" that are enforced, as expressions of whole strings.

#include <optional>
#include <string_view>

#include "grammar/char_encoder.h"

namespace tinyllm {

// Empty: not one of them.
std::optional<ExprId> format_body(CharEncoder& encoder, std::string_view format);

}  // namespace tinyllm

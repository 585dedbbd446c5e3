#pragma once
// JSON -> template values. Render thread.

#include <nlohmann/json_fwd.hpp>

#include "text/jinja/runtime.h"

namespace tinyllm::jinja {

// Who wrote the strings: all bytes of a user's are marked, keys too.
enum class Origin { user, template_file };

// Ill-formed UTF-8 is replaced. Throws Error{unsupported} for integers of 2^63 and more,
// Error{invalid_input} for JSON nested deeper than kMaxJsonDepth.
inline constexpr int kMaxJsonDepth = 100;
Value value_from_json(Runtime& runtime, const nlohmann::ordered_json& json, Origin origin);

}  // namespace tinyllm::jinja

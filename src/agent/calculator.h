#pragma once
// Arithmetic for a model that would guess: + - * / % ^, brackets, a few functions and constants.
// Any thread.

#include <string>
#include <string_view>

#include "agent/tool.h"

namespace tinyllm {

// The value as text. Whole numbers are exact within 64 bits; what leaves them, and every fraction,
// is a double shown in 15 digits. Throws Error{invalid_input} with the place: "at 5 of '2 * (3': a
// ')' is missing".
std::string calculate(std::string_view expression);

Tool make_calculator();

}  // namespace tinyllm

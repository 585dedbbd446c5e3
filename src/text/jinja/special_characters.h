#pragma once
// What Python knows of a few hundred characters and utf8proc does not. Any thread.

#include <string_view>

namespace tinyllm::jinja {

bool is_other_digit(char32_t code_point);      // a digit, but no decimal one: superscripts, ...
bool is_other_lowercase(char32_t code_point);  // small, but no small letter: modifiers, ...
bool is_other_uppercase(char32_t code_point);

// The large form of a character where it is several characters ("ŉ" -> "ʼN"), else empty.
std::u32string_view special_upper(char32_t code_point);
std::u32string_view special_title(char32_t code_point);

}  // namespace tinyllm::jinja

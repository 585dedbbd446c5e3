#pragma once
// Any bytes as a text that can be read, compared and kept as JSON: well-formed UTF-8 stays as it is,
// every other byte and every control character but the line break becomes "\xE4". Pure functions.

#include <string>
#include <string_view>

namespace tinyllm::learn {

std::string escaped_bytes(std::string_view bytes);
// The bytes that each "\xE4" of a text stands for; everything else stays.
std::string bytes_from_escaped(std::string_view text);

}  // namespace tinyllm::learn

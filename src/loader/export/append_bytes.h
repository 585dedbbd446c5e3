#pragma once
// The two ways in which a GGUF file holds what is no tensor: numbers as they lie in memory, and texts behind their length.

#include <cstdint>
#include <string>
#include <string_view>

namespace tinyllm {

template <typename Number>
void append_number(std::string& out, Number value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

inline void append_text(std::string& out, std::string_view text) {
  append_number(out, static_cast<std::uint64_t>(text.size()));
  out += text;
}

}  // namespace tinyllm

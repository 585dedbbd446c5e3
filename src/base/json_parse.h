#pragma once
// JSON from a stranger's file. Any thread.

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace tinyllm {

struct JsonLimits {
  std::size_t max_bytes = std::size_t{1} << 28;
  std::size_t max_depth = 64;  // arrays and objects in one another
  // Values and keys, counted before anything is built: their memory is many times their text.
  std::size_t max_values = std::size_t{1} << 28;
  bool unique_keys = false;  // equal keys in an object are an error; otherwise the last counts
};

// Throws Error{invalid_input} "<source>: not JSON at byte 17: ..." or when a limit is passed.
nlohmann::json parse_json(std::string_view text, const std::string& source,
                          const JsonLimits& limits = {});

// The same, keys in the order of the text.
nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& source,
                                          const JsonLimits& limits = {});

}  // namespace tinyllm

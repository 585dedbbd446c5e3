#pragma once
// JSON text (RFC 8259) -> a value of nlohmann's, in one pass whose time grows with the text alone. The
// library's own parser takes a character at a time, 10 ms a megabyte, and ordered_json's own
// insertion looks through all members of an object: seconds for 40,000 keys. A detail of
// json_parse.cpp.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/json_parse.h"

namespace tinyllm {

// Values are built in their place: what is there when an exception comes is the caller's. `source`
// names the text in messages. Throws Error{invalid_input}.
void read_json(std::string_view text, const std::string& source, const JsonLimits& limits,
               nlohmann::json& root);
void read_json(std::string_view text, const std::string& source, const JsonLimits& limits,
               nlohmann::ordered_json& root);

}  // namespace tinyllm

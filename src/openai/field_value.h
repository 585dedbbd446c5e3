#pragma once
// Reads one JSON value of a request, or refuses it: where it stands, what it is and what it should
// be. Any thread.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "api/sampling_params.h"

namespace tinyllm {

inline constexpr std::size_t kMaxTextBytes = std::size_t{1} << 26;  // of one text of a request
inline constexpr double kMaxInt = std::numeric_limits<std::int32_t>::max();

// "a string", "an array", "null", "3.5", "'cut after 80 bytes'".
std::string describe_value(const nlohmann::ordered_json& value);

// A member that must be there: "messages[0].role is missing, must be a string".
const nlohmann::ordered_json& member(const std::string& path, const nlohmann::ordered_json& object,
                                     const char* name, const char* wanted);

// Each throws ApiError{400}: "temperature is 3, must be a number in [0, 2]".
[[noreturn]] void refuse_value(const std::string& path, const nlohmann::ordered_json& value,
                               std::string_view wanted);
bool read_boolean(const std::string& path, const nlohmann::ordered_json& value);
// A whole number; 5.0 is one.
std::int64_t read_integer(const std::string& path, const nlohmann::ordered_json& value, double low,
                          double high);
double read_number(const std::string& path, const nlohmann::ordered_json& value, double low,
                   double high);
const std::string& read_string(const std::string& path, const nlohmann::ordered_json& value,
                               std::size_t max_bytes);
// A value that outlives the request's body and is taken apart without memory.
std::shared_ptr<nlohmann::ordered_json> share_json(nlohmann::ordered_json value);
TokenId read_token_id(const std::string& path, const nlohmann::ordered_json& value);

}  // namespace tinyllm

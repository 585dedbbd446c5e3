#include "base/json_parse.h"

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/error.h"
#include "base/json_reader.h"
#include "base/json_values.h"

namespace tinyllm {
namespace {

void check_size(std::string_view text, const std::string& source, const JsonLimits& limits) {
  if (text.size() <= limits.max_bytes) return;
  fail(ErrorCode::invalid_input, "{}: the JSON text has {} bytes, must be at most {}", source,
       text.size(), limits.max_bytes);
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& source,
                          const JsonLimits& limits) {
  check_size(text, source, limits);
  nlohmann::json value;
  read_json(text, source, limits, value);
  return value;
}

nlohmann::ordered_json parse_ordered_json(std::string_view text, const std::string& source,
                                          const JsonLimits& limits) {
  check_size(text, source, limits);
  nlohmann::ordered_json value;
  try {
    read_json(text, source, limits, value);
  } catch (...) {
    dismantle(value);
    throw;
  }
  return value;
}

}  // namespace tinyllm

#include "openai/field_value.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/json_values.h"
#include "base/quote.h"
#include "openai/api_error.h"

namespace tinyllm {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

// Numbers in messages as people write them: 128, not 128.0; 2^63 as it is.
std::string show(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15)
    return fmt::format("{}", static_cast<std::int64_t>(value));
  return fmt::format("{:g}", value);
}

// A number may have as many digits as a body has bytes; a message must not.
std::string shorten(std::string_view digits) {
  constexpr std::size_t kMostDigits = 64, kShownDigits = 20;
  if (digits.size() <= kMostDigits) return std::string(digits);
  return fmt::format("{}... ({} digits)", digits.substr(0, kShownDigits), digits.size());
}

}  // namespace

std::string describe_value(const nlohmann::ordered_json& value) {
  if (value.is_string()) return quote(value.get_ref<const std::string&>());
  if (value.is_array()) return value.empty() ? "an empty array" : "an array";
  if (value.is_object()) return "an object";
  if (const auto digits = big_integer_in(value)) return shorten(*digits);
  return value.dump();
}

void refuse_value(const std::string& path, const nlohmann::ordered_json& value,
                  std::string_view wanted) {
  refuse_field(path, describe_value(value), wanted);
}

bool read_boolean(const std::string& path, const nlohmann::ordered_json& value) {
  if (!value.is_boolean()) refuse_value(path, value, "true or false");
  return value.get<bool>();
}

std::int64_t read_integer(const std::string& path, const nlohmann::ordered_json& value, double low,
                          double high) {
  const auto refuse = [&] {
    refuse_value(path, value, fmt::format("a whole number in [{}, {}]", show(low), show(high)));
  };
  if (!value.is_number()) refuse();
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (number != std::floor(number) || !(number >= low && number <= high) || number >= kTwoTo63)
      refuse();
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{1} << 63) refuse();
  const auto number = value.get<std::int64_t>();
  const bool wrapped = value.is_number_unsigned() && number < 0;  // 2^63 itself
  if (wrapped || static_cast<double>(number) < low || static_cast<double>(number) > high) refuse();
  return number;
}

double read_number(const std::string& path, const nlohmann::ordered_json& value, double low,
                   double high) {
  const double number = value.is_number() ? value.get<double>() : 0.0;
  if (!value.is_number() || !(number >= low && number <= high))
    refuse_value(path, value, fmt::format("a number in [{}, {}]", show(low), show(high)));
  return number;
}

const std::string& read_string(const std::string& path, const nlohmann::ordered_json& value,
                               std::size_t max_bytes) {
  if (!value.is_string()) refuse_value(path, value, "a string");
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() > max_bytes) {
    refuse_field(path, fmt::format("a string of {} bytes", text.size()),
                 fmt::format("at most {} bytes", max_bytes));
  }
  return text;
}

std::shared_ptr<nlohmann::ordered_json> share_json(nlohmann::ordered_json value) {
  return {new nlohmann::ordered_json(std::move(value)), [](nlohmann::ordered_json* it) {
            dismantle(*it);
            delete it;
          }};
}

TokenId read_token_id(const std::string& path, const nlohmann::ordered_json& value) {
  return static_cast<TokenId>(read_integer(path, value, 0, std::numeric_limits<TokenId>::max()));
}

const nlohmann::ordered_json& member(const std::string& path, const nlohmann::ordered_json& object,
                                     const char* name, const char* wanted) {
  const auto found = object.find(name);
  if (found == object.end()) refuse_field(path + "." + name, "missing", wanted);
  return *found;
}

}  // namespace tinyllm

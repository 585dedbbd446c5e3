#include "loader/json_fields.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/quote.h"

namespace tinyllm {
namespace {

// A value as a message shows it: short, one line, ASCII.
std::string shown(const nlohmann::json& value) {
  constexpr std::size_t kMaxBytes = 60;
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  if (value.is_string()) return quote(value.get_ref<const std::string&>());
  return value.dump().substr(0, kMaxBytes);
}

}  // namespace

JsonFields::JsonFields(const nlohmann::json& object, std::string source, std::string path)
    : object_(&object), source_(std::move(source)), path_(std::move(path)) {
  if (object.is_object()) return;
  const std::string what = path_.empty() ? "the JSON text" : path_.substr(0, path_.size() - 1);
  fail(ErrorCode::invalid_input, "{}: {} is {}, must be an object", source_, what, shown(object));
}

const nlohmann::json* JsonFields::find(std::string_view key) const {
  const auto it = object_->find(key);
  return it == object_->end() || it->is_null() ? nullptr : &*it;
}

bool JsonFields::is_null(std::string_view key) const {
  const auto it = object_->find(key);
  return it != object_->end() && it->is_null();
}

std::optional<std::int64_t> JsonFields::find_count(std::string_view key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  // The library calls an integer above the range of int64 unsigned; its int64 is then negative.
  const bool fits = value->is_number_integer() && value->get<std::int64_t>() >= 0;
  if (!fits) fail_type(key, *value, "an integer from 0 up");
  return value->get<std::int64_t>();
}

std::optional<double> JsonFields::find_number(std::string_view key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number() || !std::isfinite(value->get<double>())) {
    fail_type(key, *value, "a number");
  }
  return value->get<double>();
}

std::optional<bool> JsonFields::find_bool(std::string_view key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) fail_type(key, *value, "true or false");
  return value->get<bool>();
}

std::optional<std::string> JsonFields::find_string(std::string_view key) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) fail_type(key, *value, "a string");
  return value->get<std::string>();
}

double JsonFields::require_number(std::string_view key) const {
  const auto value = find_number(key);
  if (!value) fail(ErrorCode::invalid_input, "{}: {} is missing", source_, name(key));
  return *value;
}

std::string JsonFields::name(std::string_view key) const { return path_ + std::string(key); }

void JsonFields::fail_type(std::string_view key, const nlohmann::json& found,
                           const char* wanted) const {
  fail(ErrorCode::invalid_input, "{}: {} is {}, must be {}", source_, name(key), shown(found),
       wanted);
}

}  // namespace tinyllm

#include "base/json_field.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/quote.h"

namespace tinyllm {

JsonField::JsonField(const nlohmann::json& document, std::string source)
    : JsonField(&document, std::move(source), "") {}

JsonField::JsonField(const nlohmann::json* value, std::string source, std::string path)
    : value_(value), source_(std::move(source)), path_(std::move(path)) {}

bool JsonField::is_null() const { return value_ == nullptr || value_->is_null(); }

bool JsonField::is_array() const { return value_ != nullptr && value_->is_array(); }

bool JsonField::is_object() const { return value_ != nullptr && value_->is_object(); }

JsonField JsonField::member(const std::string& name) const {
  const nlohmann::json& parent = object();
  const auto found = parent.find(name);
  return {found == parent.end() ? nullptr : &*found, source_,
          path_.empty() ? name : path_ + "." + name};
}

std::vector<JsonField> JsonField::elements() const {
  std::vector<JsonField> fields;
  for (const nlohmann::json& element : array()) {
    fields.push_back(JsonField(&element, source_, fmt::format("{}[{}]", path_, fields.size())));
  }
  return fields;
}

const nlohmann::json& JsonField::object() const {
  if (value_ == nullptr || !value_->is_object()) refuse(ErrorCode::invalid_input, "an object");
  return *value_;
}

const nlohmann::json& JsonField::array() const {
  if (value_ == nullptr || !value_->is_array()) refuse(ErrorCode::invalid_input, "an array");
  return *value_;
}

const std::string& JsonField::string() const {
  if (value_ == nullptr || !value_->is_string()) refuse(ErrorCode::invalid_input, "a string");
  return value_->get_ref<const std::string&>();
}

std::int32_t JsonField::id() const {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int32_t>::max();
  if (value_ == nullptr || !value_->is_number_unsigned() || value_->get<std::uint64_t>() > kMax) {
    refuse(ErrorCode::invalid_input, "a whole number below 2^31");
  }
  return static_cast<std::int32_t>(value_->get<std::uint64_t>());
}

std::int64_t JsonField::count() const {
  // The library's int64 of a larger unsigned number is negative.
  if (value_ == nullptr || !value_->is_number_integer() || value_->get<std::int64_t>() < 0) {
    refuse(ErrorCode::invalid_input, "a whole number from 0 up");
  }
  return value_->get<std::int64_t>();
}

double JsonField::number() const {
  if (value_ == nullptr || !value_->is_number() || !std::isfinite(value_->get<double>())) {
    refuse(ErrorCode::invalid_input, "a number");
  }
  return value_->get<double>();
}

bool JsonField::boolean() const {
  if (value_ == nullptr || !value_->is_boolean()) refuse(ErrorCode::invalid_input, "true or false");
  return value_->get<bool>();
}

std::string JsonField::string_or(const std::string& fallback) const {
  return is_null() ? fallback : string();
}

std::int64_t JsonField::count_or(std::int64_t fallback) const {
  return is_null() ? fallback : count();
}

double JsonField::number_or(double fallback) const { return is_null() ? fallback : number(); }

bool JsonField::boolean_or(bool fallback) const { return is_null() ? fallback : boolean(); }

void JsonField::refuse(ErrorCode code, std::string_view wanted) const {
  std::string found = "missing";
  if (value_ != nullptr) {
    if (value_->is_string()) {
      found = quote(value_->get_ref<const std::string&>());
    } else if (value_->is_structured()) {
      found = value_->is_array() ? "an array" : "an object";
    } else {
      found = value_->dump();
    }
  }
  fail(code, "{}: {} is {}, must be {}", source_, path_.empty() ? "the document" : path_, found,
       wanted);
}

}  // namespace tinyllm

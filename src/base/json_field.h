#pragma once
// Typed reading of a JSON document, with messages that say where in it the fault is:
// "tokenizer.json: model.vocab is an array, must be an object". Any thread.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tinyllm {

// A value and the way to it. Only looks at the document, which must outlive it.
class JsonField {
 public:
  JsonField(const nlohmann::json& document, std::string source);

  bool is_null() const;                              // null or absent
  bool exists() const { return value_ != nullptr; }  // present, if only as null
  bool is_array() const;
  bool is_object() const;
  const std::string& source() const { return source_; }
  const std::string& path() const { return path_; }

  // Each throws Error{invalid_input} when the value has another type.
  JsonField member(const std::string& name) const;  // of an object; null when it is not there
  std::vector<JsonField> elements() const;          // of an array
  const nlohmann::json& object() const;
  const nlohmann::json& array() const;
  const std::string& string() const;
  std::int32_t id() const;     // a whole number in [0, 2^31)
  std::int64_t count() const;  // a whole number in [0, 2^63)
  double number() const;       // whole or not, finite
  bool boolean() const;

  // The same; `fallback` for null.
  std::string string_or(const std::string& fallback) const;
  std::int64_t count_or(std::int64_t fallback) const;
  double number_or(double fallback) const;
  bool boolean_or(bool fallback) const;

  // Throws Error{code}: "<source>: <path> is <value>, must be <wanted>".
  [[noreturn]] void refuse(ErrorCode code, std::string_view wanted) const;

 private:
  JsonField(const nlohmann::json* value, std::string source, std::string path);

  const nlohmann::json* value_;  // nullptr: not there
  std::string source_, path_;
};

}  // namespace tinyllm

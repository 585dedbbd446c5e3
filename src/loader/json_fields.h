#pragma once
// Checked reads of one JSON object's fields, for config files. A field that is null counts as
// absent, as in Python's configs. Borrows the object.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace tinyllm {

class JsonFields {
 public:
  // `source` is the file's name and `path` where in it the object stands ("rope_scaling."), both
  // for messages. Throws Error{invalid_input} when `object` is no object.
  JsonFields(const nlohmann::json& object, std::string source, std::string path = "");

  // nullptr when absent or null.
  const nlohmann::json* find(std::string_view key) const;
  bool is_null(std::string_view key) const;  // there, and null

  // Empty when absent or null. Throw Error{invalid_input}: "config.json: hidden_size is \"big\",
  // must be an integer from 0 up".
  std::optional<std::int64_t> find_count(std::string_view key) const;
  std::optional<double> find_number(std::string_view key) const;  // integer or float, finite
  std::optional<bool> find_bool(std::string_view key) const;
  std::optional<std::string> find_string(std::string_view key) const;

  // Throws Error{invalid_input} when absent.
  double require_number(std::string_view key) const;

  const std::string& source() const { return source_; }
  std::string name(std::string_view key) const;  // "rope_scaling.factor"

 private:
  [[noreturn]] void fail_type(std::string_view key, const nlohmann::json& found,
                              const char* wanted) const;

  const nlohmann::json* object_;
  std::string source_, path_;
};

}  // namespace tinyllm

#pragma once
// Values of JSON that a stranger has sent.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace tinyllm {

// Makes a value null without needing memory, which its own destructor does: memory may be short.
// Recursive; its depth is bounded by JsonLimits.
void dismantle(nlohmann::ordered_json& value) noexcept;

// The same at the end of a scope.
class JsonDismantler {
 public:
  explicit JsonDismantler(nlohmann::ordered_json& value) : value_(value) {}
  ~JsonDismantler() { dismantle(value_); }
  JsonDismantler(const JsonDismantler&) = delete;
  JsonDismantler& operator=(const JsonDismantler&) = delete;

 private:
  nlohmann::ordered_json& value_;
};

// The digits with their sign, "-123", of a whole number that 64 bits do not hold, which
// parse_ordered_json keeps as a value of type binary; empty for every other value. A view into `value`.
std::optional<std::string_view> big_integer_in(const nlohmann::ordered_json& value);

// The value as JSON again, such whole numbers digit by digit; in one line, or with `indent` blanks
// for each level, as dump() does. Recursive; its depth is bounded by JsonLimits.
std::string text_with_big_integers(const nlohmann::ordered_json& value, int indent = -1);

}  // namespace tinyllm

#pragma once
// An ordered_json from text in time that grows with the text alone. ordered_json's own insertion
// looks through all members of an object, so that an object of 40,000 keys takes seconds.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace tinyllm {

// Of two equal keys the later value counts, at the place of the first, as in the library's own
// parser. A whole number that 64 bits do not hold, which the library would round, becomes a value of
// type binary that holds its digits. Throws the library's exceptions. Any thread.
nlohmann::ordered_json build_ordered_json(std::string_view text);

// Makes a value null without needing memory, which its own destructor does: for what a stranger has
// sent, when memory may be short. Recursive; its depth is bounded by JsonLimits.
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

// These digits with their sign, "-123"; empty for every other value. A view into `value`.
std::optional<std::string_view> big_integer_in(const nlohmann::ordered_json& value);

}  // namespace tinyllm

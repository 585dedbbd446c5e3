#pragma once
// The types that the functions of a request give their parameters, for formats that write arguments
// as bare text. Immutable: any thread.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tinyllm {

// The kinds of JSON that a parameter may be: bits.
inline constexpr unsigned kStringType = 1, kNumberType = 2, kBooleanType = 4, kNullType = 8,
                          kArrayType = 16, kObjectType = 32, kAnyType = 63;

class ToolTypes {
 public:
  ToolTypes() = default;
  // `tools`: an array of {"type": "function", "function": {"name", "parameters"}}.
  explicit ToolTypes(const nlohmann::ordered_json& tools);

  bool has(std::string_view function) const { return find(function) != nullptr; }
  // kAnyType where the schema does not say.
  unsigned type_of(std::string_view function, std::string_view parameter) const;

 private:
  using Parameters = std::unordered_map<std::string, unsigned>;
  const Parameters* find(std::string_view function) const;
  std::unordered_map<std::string, Parameters> functions_;
};

// An argument written as bare text, as JSON: the kind of value that `types` allows. What is no JSON
// of such a kind is a string.
std::string argument_json(std::string_view text, unsigned types);

}  // namespace tinyllm

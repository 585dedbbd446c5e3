#include "tool_call/tool_types.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_parse.h"
#include "tool_call/json_scanner.h"

namespace tinyllm {
namespace {

using Json = nlohmann::ordered_json;

unsigned type_named(const std::string& name) {
  if (name == "string") return kStringType;
  if (name == "number" || name == "integer") return kNumberType;
  if (name == "boolean") return kBooleanType;
  if (name == "null") return kNullType;
  if (name == "array") return kArrayType;
  return name == "object" ? kObjectType : kAnyType;
}

unsigned type_of_value(const Json& value) {
  if (value.is_string()) return kStringType;
  if (value.is_boolean()) return kBooleanType;
  if (value.is_null()) return kNullType;
  if (value.is_array()) return kArrayType;
  return value.is_object() ? kObjectType : kNumberType;
}

constexpr int kMaxDepth = 8;  // of anyOf in anyOf

unsigned types_of(const Json& schema, int depth) {
  if (!schema.is_object() || depth > kMaxDepth) return kAnyType;
  if (const auto type = schema.find("type"); type != schema.end()) {
    if (type->is_string()) return type_named(type->get_ref<const std::string&>());
    unsigned types = 0;
    for (const Json& name : *type)
      types |= name.is_string() ? type_named(name.get_ref<const std::string&>()) : kAnyType;
    return types != 0 ? types : kAnyType;
  }
  unsigned types = 0;
  if (const auto values = schema.find("enum"); values != schema.end() && values->is_array()) {
    for (const Json& value : *values) types |= type_of_value(value);
  } else if (const auto value = schema.find("const"); value != schema.end()) {
    types = type_of_value(*value);
  }
  for (const char* either : {"anyOf", "oneOf"}) {
    const auto schemas = schema.find(either);
    if (schemas == schema.end() || !schemas->is_array()) continue;
    for (const Json& it : *schemas) types |= types_of(it, depth + 1);
  }
  return types != 0 ? types : kAnyType;
}

bool is_json(std::string_view text) {
  JsonScanner scanner;
  JsonScanner::Step step = JsonScanner::Step::more;
  for (std::size_t i = 0; i < text.size() && step == JsonScanner::Step::more; ++i) {
    step = scanner.push(text[i]);
    if (step == JsonScanner::Step::done) return i + 1 == text.size();
  }
  return step == JsonScanner::Step::more && scanner.push(' ') == JsonScanner::Step::before;
}

// Models that learnt on Python write its words.
std::string_view json_word(std::string_view text) {
  if (text == "True") return "true";
  if (text == "False") return "false";
  return text == "None" ? "null" : text;
}

}  // namespace

ToolTypes::ToolTypes(const Json& tools) {
  for (const Json& tool : tools) {
    const Json& function = tool.at("function");
    Parameters& parameters = functions_[function.at("name").get<std::string>()];
    const auto schema = function.find("parameters");
    if (schema == function.end() || !schema->is_object()) continue;
    const auto properties = schema->find("properties");
    if (properties == schema->end() || !properties->is_object()) continue;
    for (const auto& [name, property] : properties->items())
      parameters.emplace(name, types_of(property, 0));
  }
}

const ToolTypes::Parameters* ToolTypes::find(std::string_view function) const {
  const auto found = functions_.find(std::string(function));
  return found == functions_.end() ? nullptr : &found->second;
}

unsigned ToolTypes::type_of(std::string_view function, std::string_view parameter) const {
  const Parameters* parameters = find(function);
  if (parameters == nullptr) return kAnyType;
  const auto found = parameters->find(std::string(parameter));
  return found == parameters->end() ? kAnyType : found->second;
}

std::string argument_json(std::string_view text, unsigned types) {
  const std::string as_string = '"' + escape_json(text) + '"';
  if (types == kStringType) return as_string;
  const std::size_t begin = text.find_first_not_of(" \n\r\t");
  if (begin == text.npos) return as_string;
  const std::string_view trimmed = text.substr(begin, text.find_last_not_of(" \n\r\t") + 1 - begin);
  const std::string_view word = json_word(trimmed);
  try {
    const JsonLimits limits = {.max_depth = JsonScanner::kMaxDepth};
    const unsigned type = type_of_value(parse_ordered_json(word, "an argument", limits));
    // A string in quotes is the string; where only strings are JSON, quotes are part of it.
    if ((types & type) != 0 && (type != kStringType || types == kAnyType)) return std::string(word);
  } catch (const Error&) {  // no JSON, or a number that no double holds
    const unsigned type = word[0] == '[' ? kArrayType : word[0] == '{' ? kObjectType : kNumberType;
    if (word[0] != '"' && (types & type) != 0 && is_json(word)) return std::string(word);
  }
  return as_string;
}

}  // namespace tinyllm

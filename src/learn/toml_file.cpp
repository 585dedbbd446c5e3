#include "learn/toml_file.h"

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace tinyllm::learn {
namespace {

using AnyJson = nlohmann::json;

AnyJson json_of_node(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    AnyJson object = AnyJson::object();
    for (const auto& [key, value] : *table) object[std::string(key.str())] = json_of_node(value);
    return object;
  }
  if (const auto* array = node.as_array()) {
    AnyJson list = AnyJson::array();
    for (const toml::node& element : *array) list.push_back(json_of_node(element));
    return list;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  return nullptr;  // dates: the course has none
}

}  // namespace

AnyJson read_toml_file(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  try {
    return json_of_node(toml::parse(text));
  } catch (const toml::parse_error& error) {
    fail(ErrorCode::invalid_input, "{}: not TOML at line {}: {}", path.string(),
         error.source().begin.line, error.description());
  }
}

}  // namespace tinyllm::learn

#include "learn/toml_file.h"

#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace tinyllm::learn {
namespace {

using nlohmann::json;

json to_json(const toml::node& node) {
  if (const auto* table = node.as_table()) {
    json object = json::object();
    for (const auto& [key, value] : *table) object[std::string(key.str())] = to_json(value);
    return object;
  }
  if (const auto* array = node.as_array()) {
    json list = json::array();
    for (const toml::node& element : *array) list.push_back(to_json(element));
    return list;
  }
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* number = node.as_floating_point()) return number->get();
  if (const auto* flag = node.as_boolean()) return flag->get();
  return nullptr;  // dates: the course has none
}

}  // namespace

json read_toml_file(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  try {
    return to_json(toml::parse(text));
  } catch (const toml::parse_error& error) {
    fail(ErrorCode::invalid_input, "{}: not TOML at line {}: {}", path.string(),
         error.source().begin.line, error.description());
  }
}

}  // namespace tinyllm::learn

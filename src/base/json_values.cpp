#include "base/json_values.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace tinyllm {

using Json = nlohmann::ordered_json;

// Containers whose members are plain values or empty are freed without a detour.
void dismantle(Json& value) noexcept {
  if (auto* array = value.get_ptr<Json::array_t*>()) {
    for (Json& item : *array) dismantle(item);
    array->clear();
  } else if (auto* object = value.get_ptr<Json::object_t*>()) {
    for (auto& member : *object) dismantle(member.second);
    object->clear();
  }
  value = nullptr;
}

std::optional<std::string_view> big_integer_in(const Json& value) {
  if (!value.is_binary()) return std::nullopt;
  const auto& digits = value.get_binary();
  return std::string_view(reinterpret_cast<const char*>(digits.data()), digits.size());
}

namespace {

std::string text_of(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void append_text(std::string& text, const Json& value, int indent, std::size_t column) {
  if (const auto digits = big_integer_in(value)) {
    text += *digits;
    return;
  }
  if (!value.is_structured() || value.empty()) {
    text += text_of(value);
    return;
  }
  const bool is_line = indent < 0;
  const auto new_line = [&](std::size_t to) {
    if (!is_line) text += "\n" + std::string(to, ' ');
  };
  const std::size_t inner = column + static_cast<std::size_t>(is_line ? 0 : indent);
  text += value.is_object() ? '{' : '[';
  bool is_first = true;
  for (const auto& [name, part] : value.items()) {
    if (!std::exchange(is_first, false)) text += ',';
    new_line(inner);
    if (value.is_object()) text += text_of(name) + (is_line ? ":" : ": ");
    append_text(text, part, indent, inner);
  }
  new_line(column);
  text += value.is_object() ? '}' : ']';
}

}  // namespace

std::string text_with_big_integers(const Json& value, int indent) {
  std::string text;
  append_text(text, value, indent, 0);
  return text;
}

}  // namespace tinyllm

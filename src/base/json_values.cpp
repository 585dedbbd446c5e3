#include "base/json_values.h"

#include <nlohmann/json.hpp>

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

std::string text_with_big_integers(const Json& value) {
  if (const auto digits = big_integer_in(value)) return std::string(*digits);
  if (!value.is_structured()) return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string text;
  for (const auto& [name, part] : value.items()) {
    if (!text.empty()) text += ",";
    if (value.is_object())
      text += Json(name).dump(-1, ' ', false, Json::error_handler_t::replace) + ":";
    text += text_with_big_integers(part);
  }
  return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

}  // namespace tinyllm

#include "text/jinja/from_json.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace tinyllm::jinja {
namespace {

using Json = nlohmann::ordered_json;

Value string_from(Runtime& runtime, std::string_view text, Origin origin) {
  MarkedText marked{replace_ill_formed(text), {}};
  if (origin == Origin::user && !marked.text.empty()) {
    marked.user_ranges.push_back({0, marked.text.size()});
  }
  return runtime.string(std::move(marked));
}

Value integer_from(std::uint64_t number) {
  if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    fail(ErrorCode::unsupported, "template inputs: the number {} does not fit in 63 bits", number);
  }
  return make_integer(static_cast<std::int64_t>(number));
}

Value value_at(Runtime& runtime, const Json& json, Origin origin, int depth) {
  if (depth > kMaxJsonDepth) {
    fail(ErrorCode::invalid_input, "template inputs: nested more than {} levels deep",
         kMaxJsonDepth);
  }
  switch (json.type()) {
    case Json::value_t::boolean: return make_bool(json.get<bool>());
    case Json::value_t::number_integer: return make_integer(json.get<std::int64_t>());
    case Json::value_t::number_unsigned: return integer_from(json.get<std::uint64_t>());
    case Json::value_t::number_float: return make_real(json.get<double>());
    case Json::value_t::string:
      return string_from(runtime, json.get_ref<const std::string&>(), origin);
    case Json::value_t::array: {
      std::vector<Value> items;
      for (const Json& item : json) items.push_back(value_at(runtime, item, origin, depth + 1));
      return runtime.list(std::move(items));
    }
    case Json::value_t::object: {
      std::vector<std::pair<Value, Value>> entries;
      for (const auto& [key, entry] : json.items()) {
        entries.emplace_back(string_from(runtime, key, origin),
                             value_at(runtime, entry, origin, depth + 1));
      }
      return runtime.dict(std::move(entries));
    }
    default: return make_none();
  }
}

}  // namespace

Value value_from_json(Runtime& runtime, const Json& json, Origin origin) {
  return value_at(runtime, json, origin, 0);
}

}  // namespace tinyllm::jinja

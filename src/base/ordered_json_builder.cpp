#include "base/ordered_json_builder.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tinyllm {
namespace {

using Json = nlohmann::ordered_json;
using Members = std::vector<Json::object_t::value_type>;

// An object's members as the vector that they are: a key goes behind the others without a search.
Members& members_of(Json& object) { return *object.get_ptr<Json::object_t*>(); }

constexpr std::size_t kFewMembers = 16;  // are looked through faster than hashed

// The events of nlohmann's SAX interface.
// Of two equal keys the later value counts, at the place of the first.
class OrderedJsonBuilder {
 public:
  OrderedJsonBuilder() = default;
  ~OrderedJsonBuilder() { dismantle(root_); }
  OrderedJsonBuilder(const OrderedJsonBuilder&) = delete;
  OrderedJsonBuilder& operator=(const OrderedJsonBuilder&) = delete;

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(Json::number_integer_t value) { return add(value); }
  bool number_unsigned(Json::number_unsigned_t value) { return add(value); }
  bool number_float(Json::number_float_t value, const std::string& written) {
    const bool is_whole = written.find_first_of(".eE") == std::string::npos;
    return is_whole ? add(Json::binary({written.begin(), written.end()})) : add(value);
  }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }  // JSON text has none
  bool start_object(std::size_t) { return open(Json::object()); }
  bool key(std::string& key);
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_array() { return close(); }
  // Throws what the parser found.
  template <typename ParseError>
  bool parse_error(std::size_t, const std::string&, const ParseError& error) {
    throw error;
  }

  Json take() { return std::move(root_); }

 private:
  struct Open {
    Json* value;
    std::size_t member = 0;  // of an object: which the next value is of
    std::unordered_map<std::string, std::size_t> members = {};  // of an object with many keys
  };

  // Puts a value where the next one belongs and returns its place there.
  Json* place(Json value);
  template <typename Value>
  bool add(Value&& value) {
    place(Json(std::forward<Value>(value)));
    return true;
  }
  bool open(Json value) {
    open_.push_back({place(std::move(value))});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Open> open_;
};

bool OrderedJsonBuilder::key(std::string& key) {
  Open& object = open_.back();
  Members& members = members_of(*object.value);
  if (members.size() <= kFewMembers) {
    const auto equal = [&](const auto& member) { return member.first == key; };
    object.member =
        static_cast<std::size_t>(std::ranges::find_if(members, equal) - members.begin());
  } else {
    if (object.members.empty()) {
      for (std::size_t i = 0; i < members.size(); ++i) object.members.emplace(members[i].first, i);
    }
    object.member = object.members.emplace(key, members.size()).first->second;
  }
  if (object.member == members.size()) members.emplace_back(std::move(key), Json());
  return true;
}

Json* OrderedJsonBuilder::place(Json value) {
  if (open_.empty()) {
    root_ = std::move(value);
    return &root_;
  }
  Open& parent = open_.back();
  if (parent.value->is_array()) return &parent.value->emplace_back(std::move(value));
  Json& member = members_of(*parent.value)[parent.member].second;
  member = std::move(value);
  return &member;
}

}  // namespace

// Containers whose members are plain values or empty are freed without a detour.
void dismantle(Json& value) noexcept {
  if (auto* array = value.get_ptr<Json::array_t*>()) {
    for (Json& item : *array) dismantle(item);
    array->clear();
  } else if (value.is_object()) {
    for (auto& member : members_of(value)) dismantle(member.second);
    members_of(value).clear();
  }
  value = nullptr;
}

std::optional<std::string_view> big_integer_in(const nlohmann::ordered_json& value) {
  if (!value.is_binary()) return std::nullopt;
  const auto& digits = value.get_binary();
  return std::string_view(reinterpret_cast<const char*>(digits.data()), digits.size());
}

nlohmann::ordered_json build_ordered_json(std::string_view text) {
  OrderedJsonBuilder builder;
  Json::sax_parse(text.begin(), text.end(), &builder);
  return builder.take();
}

}  // namespace tinyllm

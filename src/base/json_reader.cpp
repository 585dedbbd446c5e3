#include "base/json_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "base/quote.h"
#include "base/utf8.h"

namespace tinyllm {
namespace {

// Sets `object[key]` and returns the value's place. Of two equal keys the later counts, at the place
// of the first.
class OrderedMembers {
 public:
  explicit OrderedMembers(nlohmann::ordered_json::object_t& object) : members_(object) {}

  std::pair<nlohmann::ordered_json*, bool> insert(std::string key) {
    std::size_t at = members_.size();
    if (members_.size() <= kFewMembers) {
      const auto equal = [&](const auto& member) { return member.first == key; };
      at = static_cast<std::size_t>(std::ranges::find_if(members_, equal) - members_.begin());
    } else {
      if (places_.empty()) {
        for (std::size_t i = 0; i < members_.size(); ++i) places_.emplace(members_[i].first, i);
      }
      at = places_.emplace(key, members_.size()).first->second;
    }
    const bool is_new = at == members_.size();
    if (is_new) members_.emplace_back(std::move(key), nullptr);
    return {&members_[at].second, is_new};
  }

 private:
  static constexpr std::size_t kFewMembers = 16;  // are looked through faster than hashed
  // The vector that an ordered_map is: a key goes behind the others without a search.
  std::vector<nlohmann::ordered_json::object_t::value_type>& members_;
  std::unordered_map<std::string, std::size_t> places_;  // once there are many
};

class SortedMembers {
 public:
  explicit SortedMembers(nlohmann::json::object_t& object) : members_(object) {}

  std::pair<nlohmann::json*, bool> insert(std::string key) {
    const auto [place, is_new] = members_.try_emplace(std::move(key));
    return {&place->second, is_new};
  }

 private:
  nlohmann::json::object_t& members_;
};

// Json: nlohmann::json or nlohmann::ordered_json. Reads one text.
template <typename Json>
class JsonReader {
 public:
  JsonReader(std::string_view text, const std::string& source, const JsonLimits& limits)
      : text_(text), source_(source), limits_(limits) {}

  // Values are built in their place: what is there when an exception comes is the caller's.
  void read(Json& root) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;  // a byte order mark
    read_value(root);
    if (next() != '\0' || at_ < text_.size()) refuse("nothing more after the value");
  }

 private:
  static constexpr bool kOrdered = std::is_same_v<Json, nlohmann::ordered_json>;
  using Members = std::conditional_t<kOrdered, OrderedMembers, SortedMembers>;

  // The next character that is no blank, which stays unread; '\0' at the end.
  char next() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
      ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (next() != c) return false;
    ++at_;
    return true;
  }

  void read_value(Json& value);
  void read_array(Json& value);
  void read_object(Json& value);
  void read_number(Json& value);
  std::string read_string();
  void read_escape(std::string& out);
  char32_t read_hex();
  void count_value();
  void enter();
  bool read_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  // "x.json: not JSON at byte 8: found '}' where a value was wanted"
  [[noreturn]] void refuse(std::string_view wanted) {
    if (at_ >= text_.size())
      fail(ErrorCode::invalid_input, "{}: not JSON at byte {}: the text ends, wanted {}", source_,
           at_ + 1, wanted);
    fail(ErrorCode::invalid_input, "{}: not JSON at byte {}: found {}, wanted {}", source_, at_ + 1,
         quote(text_.substr(at_, decode_utf8(text_.substr(at_)).n_bytes)), wanted);
  }

  std::string_view text_;
  const std::string& source_;
  const JsonLimits& limits_;
  std::size_t at_ = 0, depth_ = 0, n_values_ = 0;
};

template <typename Json>
void JsonReader<Json>::count_value() {
  if (++n_values_ <= limits_.max_values) return;
  fail(ErrorCode::invalid_input,
       "{}: the JSON text holds more than {} values and keys, which is the limit", source_,
       limits_.max_values);
}

template <typename Json>
void JsonReader<Json>::enter() {
  if (++depth_ <= limits_.max_depth) return;
  fail(ErrorCode::invalid_input, "{}: JSON nested {} deep at byte {}, must be at most {}", source_,
       depth_, at_, limits_.max_depth);
}

template <typename Json>
void JsonReader<Json>::read_value(Json& value) {
  const char c = next();
  count_value();
  if (c == '"') {
    value = read_string();
  } else if (c == '{') {
    read_object(value);
  } else if (c == '[') {
    read_array(value);
  } else if (c == '-' || (c >= '0' && c <= '9')) {
    read_number(value);
  } else if (c == 't' && read_word("true")) {
    value = true;
  } else if (c == 'f' && read_word("false")) {
    value = false;
  } else if (c == 'n' && read_word("null")) {
    value = nullptr;
  } else {
    refuse("a value");
  }
}

template <typename Json>
void JsonReader<Json>::read_array(Json& value) {
  enter();
  ++at_;
  value = Json::array();
  auto& items = *value.template get_ptr<typename Json::array_t*>();
  if (!take(']')) {
    do read_value(items.emplace_back());
    while (take(','));
    if (!take(']')) refuse("',' or ']'");
  }
  --depth_;
}

template <typename Json>
void JsonReader<Json>::read_object(Json& value) {
  enter();
  ++at_;
  value = Json::object();
  Members members(*value.template get_ptr<typename Json::object_t*>());
  if (!take('}')) {
    do {
      if (next() != '"') refuse("a key in quotes");
      count_value();
      std::string key = read_string();
      if (!take(':')) refuse("':'");
      const std::string shown = limits_.unique_keys ? quote(key) : "";
      const auto [place, is_new] = members.insert(std::move(key));
      if (!is_new && limits_.unique_keys)
        fail(ErrorCode::invalid_input, "{}: key {} is there twice", source_, shown);
      read_value(*place);
    } while (take(','));
    if (!take('}')) refuse("',' or '}'");
  }
  --depth_;
}

// A whole number that 64 bits do not hold keeps its digits in an ordered_json, and is rounded in a
// sorted one.
template <typename Json>
void JsonReader<Json>::read_number(Json& value) {
  const std::size_t begin = at_;
  const auto digits = [&] {
    const std::size_t first = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    if (at_ == first) refuse("a digit");
  };
  const auto is_at = [&](std::string_view set) {
    return at_ < text_.size() && set.find(text_[at_]) != set.npos;
  };
  if (is_at("-")) ++at_;
  if (is_at("0"))
    ++at_;  // no digit follows a leading zero
  else
    digits();
  const std::size_t end_of_whole = at_;
  if (is_at(".")) ++at_, digits();
  if (is_at("eE")) {
    ++at_;
    if (is_at("+-")) ++at_;
    digits();
  }
  const char* const first = text_.data() + begin;
  const char* const last = text_.data() + at_;
  if (at_ == end_of_whole) {
    const auto into = [&](auto whole) {
      if (std::from_chars(first, last, whole).ec != std::errc()) return false;
      value = whole;
      return true;
    };
    if (*first == '-' ? into(std::int64_t{}) : into(std::uint64_t{})) return;
    if constexpr (kOrdered) {
      value = Json::binary({first, last});
      return;
    }
  }
  double real = 0;
  const auto result = std::from_chars(first, last, real);
  if (result.ec == std::errc::result_out_of_range)
    real = std::strtod(std::string(first, last).c_str(), nullptr);
  if (!std::isfinite(real))
    fail(ErrorCode::invalid_input, "{}: not JSON at byte {}: the number {} is out of range",
         source_, begin + 1, quote(text_.substr(begin, at_ - begin)));
  value = real;
}

// What needs no second look is copied as it stands.
template <typename Json>
std::string JsonReader<Json>::read_string() {
  std::string out;
  ++at_;
  for (;;) {
    const std::size_t begin = at_;
    bool is_ascii = true;
    while (at_ < text_.size()) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"' || c == '\\' || c < 0x20) break;
      is_ascii = is_ascii && c < 0x80;
      ++at_;
    }
    const std::string_view plain = text_.substr(begin, at_ - begin);
    if (!is_ascii && !is_valid_utf8(plain)) {
      at_ = begin;
      for (Utf8Char c; (c = decode_utf8(text_.substr(at_))).well_formed;) at_ += c.n_bytes;
      refuse("UTF-8");
    }
    if (at_ == text_.size()) refuse("the end of a string");
    if (text_[at_] == '"') {
      ++at_;
      if (out.empty()) return std::string(plain);
      return out.append(plain), out;
    }
    out.append(plain);
    if (text_[at_] != '\\') refuse("an escape such as \\n for a control character");
    read_escape(out);
  }
}

template <typename Json>
void JsonReader<Json>::read_escape(std::string& out) {
  static constexpr std::string_view kLetters = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
  const std::size_t begin = at_++;
  const char c = at_ < text_.size() ? text_[at_] : '\0';
  const std::size_t simple = kLetters.find(c);
  if (at_ < text_.size() && simple != kLetters.npos) {
    ++at_;
    out += kMeant[simple];
    return;
  }
  if (c != 'u') refuse("one of \"\\/bfnrtu after a backslash");
  ++at_;
  char32_t code = read_hex();
  if (code >= 0xD800 && code <= 0xDBFF && read_word("\\u")) {
    const char32_t low = read_hex();
    code =
        low >= 0xDC00 && low <= 0xDFFF ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : code;
  }
  if (code >= 0xD800 && code <= 0xDFFF) {
    at_ = begin;
    refuse("both halves of a surrogate pair");
  }
  append_utf8(out, code);
}

template <typename Json>
char32_t JsonReader<Json>::read_hex() {
  unsigned code = 0;
  const std::string_view hex = text_.substr(at_, 4);
  const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
  at_ += static_cast<std::size_t>(end - hex.data());
  if (hex.size() < 4 || end != hex.data() + 4) refuse("four hexadecimal digits");
  return code;
}

}  // namespace

void read_json(std::string_view text, const std::string& source, const JsonLimits& limits,
               nlohmann::json& root) {
  JsonReader<nlohmann::json>(text, source, limits).read(root);
}

void read_json(std::string_view text, const std::string& source, const JsonLimits& limits,
               nlohmann::ordered_json& root) {
  JsonReader<nlohmann::ordered_json>(text, source, limits).read(root);
}

}  // namespace tinyllm

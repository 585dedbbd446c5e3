#include <nlohmann/json.hpp>
#include <utility>

#include "base/ascii.h"
#include "base/error.h"
#include "base/json_parse.h"
#include "tool_call/call_reader.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxCallKeyBytes = 256;  // of a key of the call itself, its name and its id
constexpr const char* kNoJson = "the call is not JSON";

// The text of a JSON string; "" for what is none.
std::string decode(const std::string& json) {
  try {
    const nlohmann::json value = parse_json(json, "a call");
    return value.is_string() ? value.get<std::string>() : "";
  } catch (const Error&) {
    return "";  // not UTF-8, half a surrogate
  }
}

bool is_object(const std::string& json) {
  try {
    return parse_json(json, "arguments", {.max_depth = JsonScanner::kMaxDepth}).is_object();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::string JsonCallReader::take_arguments() { return std::exchange(arguments_, {}); }

CallNews JsonCallReader::begin_call() {
  place_ = Place::key_or_end;
  has_name_ = has_arguments_ = false;
  name_.clear(), id_.clear(), arguments_.clear();
  return CallNews::begins;
}

CallNews JsonCallReader::end_call() {
  if (!has_name_) return refuse("the call has no name");
  place_ = is_list_ ? Place::between : Place::over;
  return CallNews::ends;
}

CallNews JsonCallReader::push(char c) {
  if (place_ == Place::in_key) return in_key(c);
  if (place_ == Place::value && !text_.empty()) return in_value(c);
  if (is_ascii_space(c)) return CallNews::none;
  switch (place_) {
    case Place::begin:
      if (c == '[') return is_list_ = true, place_ = Place::item, CallNews::none;
      [[fallthrough]];
    case Place::item: return c == '{' ? begin_call() : refuse(kNoJson);
    case Place::between:
      if (c == ',') return place_ = Place::item, CallNews::none;
      return c == ']' ? (place_ = Place::over, CallNews::over) : refuse(kNoJson);
    case Place::key_or_end:
      if (c == '}') return end_call();
      [[fallthrough]];
    case Place::key:
      if (c != '"') return refuse(kNoJson);
      scanner_ = {}, text_.clear(), place_ = Place::in_key;
      return in_key(c);
    case Place::colon:
      if (c != ':') return refuse(kNoJson);
      text_.clear(), place_ = Place::value;
      return CallNews::none;
    case Place::value: return begin_value(c);
    case Place::after_value:
      if (c == ',') return place_ = Place::key, CallNews::none;
      return c == '}' ? end_call() : refuse(kNoJson);
    default: return refuse(kNoJson);
  }
}

CallNews JsonCallReader::in_key(char c) {
  const JsonScanner::Step step = scanner_.push(c);
  if (step == JsonScanner::Step::invalid || text_.size() > kMaxCallKeyBytes) return refuse(kNoJson);
  text_ += c;
  if (step != JsonScanner::Step::done) return CallNews::none;
  const std::string key = decode(text_);
  role_ = key == "name"                               ? Role::name
          : key == "id"                               ? Role::id
          : key == "arguments" || key == "parameters" ? Role::arguments
                                                      : Role::none;
  if ((role_ == Role::name && has_name_) || (role_ == Role::arguments && has_arguments_))
    return refuse("a key of the call stands there twice");
  if (knows_keys_ && role_ == Role::none && key != "type") return refuse("a key is none of a call");
  if (by_name_ && !has_name_ && text_ != "\"name\"") return refuse("no name comes first");
  place_ = Place::colon;
  return CallNews::none;
}

CallNews JsonCallReader::begin_value(char c) {
  is_streamed_ = role_ == Role::arguments && c == '{';
  if (role_ == Role::name && c != '"') return refuse("the name is no string");
  if (role_ == Role::arguments && c != '{' && c != '"' && c != 'n')
    return refuse("the arguments are no object");
  scanner_ = {};
  return in_value(c);
}

CallNews JsonCallReader::take_text(const std::string& text) {
  if (!is_streamed_) {
    text_ += text;
    return CallNews::none;
  }
  text_ = "-";  // not empty: the value has begun
  arguments_ += text;
  return has_name_ ? CallNews::arguments : CallNews::none;
}

CallNews JsonCallReader::in_value(char c) {
  // Models write line feeds into strings as they are; JSON wants them escaped.
  if (scanner_.in_string() && static_cast<unsigned char>(c) < 0x20)
    return take_text(escape_control(c));
  switch (scanner_.push(c)) {
    case JsonScanner::Step::invalid:
      return refuse(role_ == Role::arguments ? "the arguments are not JSON" : kNoJson);
    case JsonScanner::Step::before: {
      const CallNews news = end_value();
      return news == CallNews::invalid ? news : push(c);
    }
    case JsonScanner::Step::more: {
      const CallNews news = take_text(std::string(1, c));
      if (role_ != Role::arguments && text_.size() > (1 << 16)) return refuse(kNoJson);
      return news;
    }
    case JsonScanner::Step::done: break;
  }
  const CallNews news = take_text(std::string(1, c));
  const CallNews ending = end_value();
  return ending == CallNews::none ? news : ending;
}

CallNews JsonCallReader::end_value() {
  place_ = Place::after_value;
  switch (role_) {
    case Role::name:
      name_ = decode(text_);
      if (by_name_ && text_ != '"' + name_ + '"') return refuse("the name cannot be read");
      if (name_.empty() || name_.size() > kMaxCallKeyBytes)
        return refuse("the name cannot be read");
      has_name_ = true;
      return CallNews::named;
    case Role::id: id_ = decode(text_); return CallNews::none;
    case Role::none: return CallNews::none;
    case Role::arguments: break;
  }
  has_arguments_ = true;
  if (is_streamed_ || text_ == "null") return CallNews::none;
  arguments_ = decode(text_);  // JSON in a string, as OpenAI writes it
  if (!is_object(arguments_)) return refuse("the arguments are no object");
  return has_name_ ? CallNews::arguments : CallNews::none;
}

}  // namespace tinyllm

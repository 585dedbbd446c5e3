#include <algorithm>
#include <vector>

#include "tool_call/call_reader.h"

#include "base/ascii.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxPythonNameBytes = 256;
constexpr const char* kNoCall = "the list holds no calls";

bool is_word(char c) {
  return is_ascii_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name(char c) { return is_word(c) || c == '.' || c == '-'; }

// Python's literals to JSON, as they stand.
class LiteralWriter {
 public:
  LiteralWriter(std::string_view text, std::string& json) : text_(text), json_(json) {}

  bool write_arguments() {
    json_ += '{';
    for (bool is_first = true; peek() != '\0'; is_first = false) {
      if (!is_first && (!take(',') || peek() == '\0')) return false;
      const std::string_view key = word();
      if (key.empty() || is_ascii_digit(key.front()) || !take('=')) return false;
      if (std::ranges::find(keys_, key) != keys_.end() || keys_.size() == kMaxKeys) return false;
      keys_.push_back(key);
      json_ += (is_first ? "\"" : ", \"") + std::string(key) + "\": ";
      if (!write_value(0)) return false;
    }
    json_ += '}';
    return true;
  }

 private:
  static constexpr std::size_t kMaxKeys = 256;

  char peek() {
    while (at_ < text_.size() && is_ascii_space(text_[at_])) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) { return peek() == c ? ++at_, true : false; }
  std::string_view word() {
    peek();
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  bool write_value(std::size_t depth) {
    if (depth >= JsonScanner::kMaxDepth) return false;
    const char c = peek();
    if (c == '"' || c == '\'') return write_string();
    if (c == '[') return write_items(depth, ']');
    if (c == '(') return write_items(depth, ')');
    if (c == '{') return write_dict(depth);
    if (c == '-' || c == '+' || is_ascii_digit(c) || c == '.') return write_number();
    const std::string_view name = word();
    if (name == "True" || name == "true") return json_ += "true", true;
    if (name == "False" || name == "false") return json_ += "false", true;
    if (name == "None" || name == "null") return json_ += "null", true;
    return false;
  }

  // The digits as JSON writes them: a number of Python that JSON spells otherwise is refused.
  bool write_number() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_word(text_[at_]) || std::string_view("+-.").find(text_[at_]) !=
                                                             std::string_view::npos))
      ++at_;
    const std::string_view number = text_.substr(begin, at_ - begin);
    JsonScanner scanner;
    for (const char c : number) {
      if (scanner.push(c) != JsonScanner::Step::more) return false;
    }
    json_ += number;
    return scanner.push(' ') == JsonScanner::Step::before;
  }

  bool write_string() {
    const char quote = text_[at_++];
    json_ += '"';
    while (at_ < text_.size() && text_[at_] != quote) {
      const char c = text_[at_++];
      if (c == '\\') {
        if (!write_escape()) return false;
      } else {
        json_ += escape_json(std::string_view(&c, 1));
      }
    }
    json_ += '"';
    return at_ < text_.size() ? ++at_, true : false;
  }

  bool write_escape() {
    if (at_ == text_.size()) return false;
    const char c = text_[at_++];
    if (c == '\'') return json_ += '\'', true;
    if (std::string_view("\\\"bfnrt").find(c) != std::string_view::npos)
      return json_ += '\\', json_ += c, true;
    if (c != 'u' || text_.size() - at_ < 4) return false;
    for (int i = 0; i < 4; ++i) {
      const char digit = text_[at_ + static_cast<std::size_t>(i)];
      if (std::string_view("0123456789abcdefABCDEF").find(digit) == std::string_view::npos)
        return false;
    }
    json_ += "\\u" + std::string(text_.substr(at_, 4));
    at_ += 4;
    return true;
  }

  bool write_items(std::size_t depth, char end) {
    ++at_;
    json_ += '[';
    for (bool is_first = true; !take(end); is_first = false) {
      if (!is_first && !take(',')) return false;
      if (!is_first && take(end)) break;  // a comma may stand behind the last
      if (!is_first) json_ += ", ";
      if (!write_value(depth + 1)) return false;
    }
    json_ += ']';
    return true;
  }

  bool write_dict(std::size_t depth) {
    ++at_;
    json_ += '{';
    for (bool is_first = true; !take('}'); is_first = false) {
      if (!is_first && !take(',')) return false;
      if (!is_first && take('}')) break;
      if (!is_first) json_ += ", ";
      if (const char c = peek(); c != '"' && c != '\'') return false;
      if (!write_string() || !take(':')) return false;
      json_ += ": ";
      if (!write_value(depth + 1)) return false;
    }
    json_ += '}';
    return true;
  }

  std::string_view text_;
  std::string& json_;
  std::size_t at_ = 0;
  std::vector<std::string_view> keys_;
};

}  // namespace

bool python_arguments_to_json(std::string_view text, std::string& json) {
  json.clear();
  return LiteralWriter(text, json).write_arguments();
}

CallNews PythonCallReader::push(char c) {
  const auto refuse = [&] { return error_ = kNoCall, CallNews::invalid; };
  if (place_ == Place::arguments) return in_arguments(c);
  if (place_ == Place::name) {
    if (c == '(') {
      place_ = Place::arguments, text_.clear(), depth_ = 0;
      return CallNews::named;
    }
    if (!is_name(c) || name_.size() == kMaxPythonNameBytes) return refuse();
    name_ += c;
    return CallNews::none;
  }
  if (is_ascii_space(c)) return CallNews::none;
  switch (place_) {
    case Place::begin: return c == '[' ? (place_ = Place::item, CallNews::none) : refuse();
    case Place::between:
      if (c == ',') return place_ = Place::item, CallNews::none;
      return c == ']' ? CallNews::over : refuse();
    default:
      if (!is_name(c)) return refuse();
      name_ = std::string(1, c), place_ = Place::name;
      return CallNews::begins;
  }
}

CallNews PythonCallReader::in_arguments(char c) {
  if (quote_ != '\0') {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\') {
      escaped_ = true;
    } else if (c == quote_) {
      quote_ = '\0';
    }
  } else if (c == '"' || c == '\'') {
    quote_ = c;
  } else if (c == '(' || c == '[' || c == '{') {
    ++depth_;
  } else if (c == ')' && depth_ == 0) {
    if (!python_arguments_to_json(text_, arguments_))
      return error_ = "the arguments are not literals of Python", CallNews::invalid;
    place_ = Place::between;
    return CallNews::ends;
  } else if (c == ')' || c == ']' || c == '}') {
    if (--depth_ < 0) return error_ = kNoCall, CallNews::invalid;
  }
  text_ += c;
  return CallNews::none;
}

}  // namespace tinyllm

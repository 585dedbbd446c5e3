#include "tool_call/json_scanner.h"

#include "base/ascii.h"

#include <fmt/core.h>

namespace tinyllm {
namespace {

bool is_hex(char c) {
  return is_ascii_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace

JsonScanner::Step JsonScanner::begin_value(char c) {
  const auto open = [&](Place first) {
    if (open_.size() == kMaxDepth) return Step::invalid;
    open_ += c;
    return go(first);
  };
  const auto word = [&](std::string_view rest) { return word_ = rest, go(Place::word); };
  switch (c) {
    case '{': return open(Place::first_key);
    case '[': return open(Place::first_item);
    case '"': return is_key_ = false, go(Place::string);
    case 't': return word("rue");
    case 'f': return word("alse");
    case 'n': return word("ull");
    case '-': return go(Place::minus);
    case '0': return go(Place::zero);
    default: return is_ascii_digit(c) ? go(Place::whole) : Step::invalid;
  }
}

JsonScanner::Step JsonScanner::end_value() {
  place_ = Place::after_value;
  return open_.empty() ? Step::done : Step::more;
}

JsonScanner::Step JsonScanner::close(char open) {
  if (open_.empty() || open_.back() != open) return Step::invalid;
  open_.pop_back();
  return end_value();
}

JsonScanner::Step JsonScanner::in_number(char c) {
  const bool digit = is_ascii_digit(c);
  const bool is_e = c == 'e' || c == 'E';
  bool may_end = false;
  switch (place_) {
    case Place::minus:
      if (c == '0') return go(Place::zero);
      if (digit) return go(Place::whole);
      break;
    case Place::zero:
    case Place::whole:
      if (digit && place_ == Place::whole) return Step::more;
      if (c == '.') return go(Place::point);
      if (is_e) return go(Place::exponent);
      may_end = !digit;
      break;
    case Place::point:
      if (digit) return go(Place::fraction);
      break;
    case Place::fraction:
      if (digit) return Step::more;
      if (is_e) return go(Place::exponent);
      may_end = true;
      break;
    case Place::exponent:
      if (c == '+' || c == '-') return go(Place::exponent_sign);
      [[fallthrough]];
    case Place::exponent_sign:
      if (digit) return go(Place::exponent_digits);
      break;
    default:
      if (digit) return Step::more;
      may_end = true;
  }
  if (!may_end) return Step::invalid;
  if (open_.empty()) return Step::before;
  place_ = Place::after_value;
  return push(c);
}

JsonScanner::Step JsonScanner::push(char c) {
  switch (place_) {
    case Place::string:
      if (c == '\\') return go(Place::escape);
      if (c == '"') return is_key_ ? go(Place::colon) : end_value();
      return static_cast<unsigned char>(c) < 0x20 ? Step::invalid : Step::more;
    case Place::escape:
      if (c == 'u') return n_hex_ = 4, go(Place::hex);
      return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos ? go(Place::string)
                                                                              : Step::invalid;
    case Place::hex:
      if (!is_hex(c)) return Step::invalid;
      return --n_hex_ == 0 ? go(Place::string) : Step::more;
    case Place::word:
      if (c != word_.front()) return Step::invalid;
      word_.remove_prefix(1);
      return word_.empty() ? end_value() : Step::more;
    case Place::value:
    case Place::first_item:
    case Place::first_key:
    case Place::key:
    case Place::colon:
    case Place::after_value: break;
    default: return in_number(c);
  }
  if (is_ascii_space(c)) return Step::more;
  switch (place_) {
    case Place::first_item:
      if (c == ']') return close('[');
      [[fallthrough]];
    case Place::value: return begin_value(c);
    case Place::first_key:
      if (c == '}') return close('{');
      [[fallthrough]];
    case Place::key: return c == '"' ? (is_key_ = true, go(Place::string)) : Step::invalid;
    case Place::colon: return c == ':' ? go(Place::value) : Step::invalid;
    default: break;
  }
  if (c == ',' && !open_.empty()) return go(open_.back() == '{' ? Place::key : Place::value);
  if (c == '}') return close('{');
  return c == ']' ? close('[') : Step::invalid;
}

std::string escape_control(char c) {
  switch (c) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    case '\b': return "\\b";
    case '\f': return "\\f";
    default: return fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
  }
}

std::string escape_json(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += escape_control(c);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace tinyllm

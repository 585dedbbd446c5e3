#pragma once
// Watches one JSON value (RFC 8259) go by, byte by byte: where it ends, and where it stops being JSON.
// UTF-8 is not checked. One thread.

#include <cstdint>
#include <string>
#include <string_view>

namespace tinyllm {

class JsonScanner {
 public:
  enum class Step {
    more,     // taken
    done,     // taken, and the value ends with it
    before,   // not taken: the value, a number, has ended before it
    invalid,  // not taken: no JSON value goes on like this
  };
  static constexpr std::size_t kMaxDepth = 60;

  Step push(char c);
  bool in_string() const { return place_ == Place::string; }

 private:
  enum class Place : std::uint8_t {
    value,       // a value must come
    first_item,  // or "]"
    first_key,   // or "}"
    key,         // a key must come
    colon,
    after_value,  // "," or the end of the array or object
    string,
    escape,
    hex,
    word,   // true, false, null
    minus,  // the parts of a number
    zero,
    whole,
    point,
    fraction,
    exponent,
    exponent_sign,
    exponent_digits,
  };
  Step begin_value(char c);
  Step end_value();
  Step in_number(char c);
  Step close(char open);
  Step go(Place place) { return place_ = place, Step::more; }

  Place place_ = Place::value;
  bool is_key_ = false;    // the string is a key
  int n_hex_ = 0;          // digits of \u that are still to come
  std::string_view word_;  // what must still come of a word
  std::string open_;       // the brackets that are open
};

// What stands for a control character inside a JSON string: "\\n" for a line feed.
std::string escape_control(char c);
// `text` as a JSON string without its quotes. Ill-formed UTF-8 stays as it is.
std::string escape_json(std::string_view text);

}  // namespace tinyllm

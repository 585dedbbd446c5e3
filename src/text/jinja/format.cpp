#include "text/jinja/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/utf8.h"
#include "text/jinja/access.h"
#include "text/jinja/big_integer.h"
#include "text/jinja/format_spec.h"
#include "text/jinja/repr.h"
#include "text/jinja/unicode.h"

namespace tinyllm::jinja {
namespace {

constexpr std::int64_t kMaxWidth = std::numeric_limits<std::int32_t>::max();

struct Conversion {
  bool left = false, plus = false, space = false, zero = false, alternate = false;
  std::int64_t width = 0;
  std::optional<std::int64_t> precision;
  char type = 's';
  std::optional<std::string> key;  // %(key)s
};

class PercentFormatter {
 public:
  PercentFormatter(Runtime& runtime, const StringPayload& format, const Value& values)
      : runtime_(runtime),
        format_(format),
        text_(format.marked.text),
        values_(values),
        out_(runtime) {}

  Value run() {
    std::size_t begin = 0;
    while (true) {
      const std::size_t at = text_.find('%', begin);
      if (at == std::string_view::npos) break;
      out_.append(format_.marked, begin, at);
      next_ = at + 1;
      const Conversion conversion = parse();
      if (conversion.type == '%') {
        out_.append_template("%");
      } else {
        append(conversion, take_value(conversion));
      }
      begin = next_;
    }
    out_.append(format_.marked, begin, text_.size());
    const SequencePayload* tuple = tuple_of_values();
    const std::size_t n_values = tuple != nullptr ? tuple->items.size() : 1;
    if (n_taken_ < n_values && !can_be_left_over()) {
      runtime_.fail("not all arguments were used by the format string");
    }
    return runtime_.string(out_.take());
  }

 private:
  const SequencePayload* tuple_of_values() const {
    const SequencePayload* sequence = values_.sequence();
    return sequence != nullptr && sequence->kind == SequenceKind::tuple ? sequence : nullptr;
  }

  // Python does not complain about an unused mapping, and takes a list for one.
  bool can_be_left_over() const {
    const SequencePayload* sequence = values_.sequence();
    return values_.dict() != nullptr || values_.is_undefined() ||
           (sequence != nullptr &&
            (sequence->kind == SequenceKind::list || sequence->kind == SequenceKind::range));
  }

  char peek() {
    if (next_ >= text_.size()) runtime_.fail("the format string ends inside a % conversion");
    return text_[next_];
  }

  // Digits, or * for the next value.
  std::int64_t parse_number() {
    if (peek() == '*') {
      ++next_;
      const Value& value = next_value();
      if (!value.integer()) runtime_.fail("'*' in a % conversion needs a whole number");
      return *value.integer();
    }
    std::int64_t value = 0;
    const auto result = std::from_chars(text_.data() + next_, text_.data() + text_.size(), value);
    next_ = static_cast<std::size_t>(result.ptr - text_.data());
    if (result.ec == std::errc::result_out_of_range) runtime_.fail("% width is too big");
    return value;
  }

  Conversion parse() {
    Conversion conversion;
    if (peek() == '(') {
      const std::size_t end = text_.find(')', next_);
      if (end == std::string_view::npos) runtime_.fail("'%(' has no ')' in the format string");
      conversion.key = std::string(text_.substr(next_ + 1, end - next_ - 1));
      next_ = end + 1;
    }
    for (;; ++next_) {
      const char flag = peek();
      if (flag == '-')
        conversion.left = true;
      else if (flag == '+')
        conversion.plus = true;
      else if (flag == ' ')
        conversion.space = true;
      else if (flag == '0')
        conversion.zero = true;
      else if (flag == '#')
        conversion.alternate = true;
      else
        break;
    }
    conversion.width = parse_number();
    if (conversion.width < 0) {  // of a *
      if (conversion.width < -kMaxWidth) runtime_.fail("% width is too big");
      conversion.left = true;
      conversion.width = -conversion.width;
    }
    if (peek() == '.') {
      ++next_;
      conversion.precision = std::max<std::int64_t>(parse_number(), 0);
    }
    if (std::string_view("hlL").find(peek()) != std::string_view::npos)
      ++next_;  // C's, means nothing
    conversion.type = peek();
    if (std::string_view("sradiuxXofFeEgGc%").find(conversion.type) == std::string_view::npos) {
      runtime_.fail("unsupported format character in '%{}'", conversion.type);
    }
    ++next_;
    return conversion;
  }

  const Value& take_value(const Conversion& conversion) {
    if (conversion.key) {
      const DictPayload* dict = values_.dict();
      if (dict == nullptr) runtime_.fail("'%(name)' needs a mapping behind %");
      const Value* found = find_key(runtime_, *dict, *conversion.key);
      if (found == nullptr) runtime_.fail("the mapping behind % has no '{}'", *conversion.key);
      return *found;
    }
    return next_value();
  }

  const Value& next_value() {
    const SequencePayload* tuple = tuple_of_values();
    const std::size_t n_values = tuple != nullptr ? tuple->items.size() : 1;
    if (n_taken_ >= n_values) runtime_.fail("not enough arguments for the format string");
    const Value& value = tuple != nullptr ? tuple->items[n_taken_] : values_;
    ++n_taken_;
    return value;
  }

  void append(const Conversion& conversion, const Value& value) {
    switch (conversion.type) {
      case 's':
      case 'r':
      case 'a':
      case 'c': return append_text(conversion, value);
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o': return append_integer(conversion, value);
      default: return append_real(conversion, value);
    }
  }

  void append_text(const Conversion& conversion, const Value& value) {
    TextBuilder whole(runtime_);
    switch (conversion.type) {
      case 's': append_str(whole, runtime_, value); break;
      case 'r': append_repr(whole, runtime_, value); break;
      case 'a': append_ascii(whole, runtime_, value); break;
      default: append_character(whole, value);
    }
    const MarkedText marked = whole.take();
    std::size_t end = marked.text.size();
    if (conversion.precision && conversion.type != 'c') {
      end = char_offset(marked.text, *conversion.precision);
    }
    const std::size_t n_chars = count_chars(std::string_view(marked.text).substr(0, end));
    if (!conversion.left) pad(conversion, n_chars, ' ');
    out_.append(marked, 0, end);
    if (conversion.left) pad(conversion, n_chars, ' ');
  }

  void append_character(TextBuilder& out, const Value& value) {
    if (const StringPayload* text = value.string()) {
      if (count_chars(text->marked.text) != 1) runtime_.fail("%c needs one character");
      return out.append(text->marked);
    }
    const auto code = value.integer();
    if (!code || *code < 0 || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000)) {
      runtime_.fail("%c needs a character or its number");
    }
    std::string character;
    append_utf8(character, static_cast<char32_t>(*code));
    out.append_template(character);
  }

  void append_integer(const Conversion& conversion, const Value& value) {
    if (value.is_undefined()) runtime_.fail_undefined(value);
    const bool is_decimal = std::string_view("diu").find(conversion.type) != std::string_view::npos;
    Value whole = value;
    if (const auto* real = std::get_if<double>(&value.data); real && is_decimal) {
      if (!std::isfinite(*real)) runtime_.fail("cannot convert {} to an integer", *real);
      whole = make_whole(*real);
    }
    const BigInteger* big = whole.big_integer();
    if (!whole.integer() && big == nullptr) {
      runtime_.fail("%{} needs a number, not {}", conversion.type, type_name(value));
    }
    if (big != nullptr && !is_decimal) {
      runtime_.unsupported("%{} of a whole number of more than 64 bits", conversion.type);
    }
    const std::int64_t integer = whole.integer().value_or(0);
    const bool is_negative = big != nullptr ? big->is_negative : integer < 0;
    const std::uint64_t magnitude =
        integer < 0 ? 0 - static_cast<std::uint64_t>(integer) : static_cast<std::uint64_t>(integer);
    std::string digits = big != nullptr           ? big->digits
                         : conversion.type == 'x' ? fmt::format("{:x}", magnitude)
                         : conversion.type == 'X' ? fmt::format("{:X}", magnitude)
                         : conversion.type == 'o' ? fmt::format("{:o}", magnitude)
                                                  : fmt::format("{}", magnitude);
    if (conversion.precision) {
      runtime_.check_string_bytes(static_cast<std::uint64_t>(*conversion.precision));
      const auto wanted = static_cast<std::size_t>(*conversion.precision);
      if (digits.size() < wanted) digits.insert(0, wanted - digits.size(), '0');
    }
    std::string prefix;
    if (conversion.alternate && conversion.type == 'o') prefix = "0o";
    if (conversion.alternate && (conversion.type | 0x20) == 'x') {
      prefix = std::string("0") + conversion.type;
    }
    append_number(conversion, is_negative, prefix, digits);
  }

  void append_real(const Conversion& conversion, const Value& value) {
    if (value.is_undefined()) runtime_.fail_undefined(value);
    const auto number = value.number();
    if (!number) runtime_.fail("%{} needs a number, not {}", conversion.type, type_name(value));
    const std::int64_t precision = conversion.precision.value_or(6);
    if (precision > 1000) runtime_.unsupported("a precision over 1000 in a % conversion");
    const std::string digits = real_digits(std::fabs(*number), conversion.type,
                                           static_cast<int>(precision), conversion.alternate);
    append_number(conversion, std::signbit(*number) && !std::isnan(*number), "", digits);
  }

  void append_number(const Conversion& conversion, bool is_negative, const std::string& prefix,
                     const std::string& digits) {
    const std::string sign = (is_negative        ? "-"
                              : conversion.plus  ? "+"
                              : conversion.space ? " "
                                                 : "") +
                             prefix;
    const std::size_t n_chars = sign.size() + digits.size();
    const bool zeros = conversion.zero && !conversion.left;
    if (!conversion.left && !zeros) pad(conversion, n_chars, ' ');
    out_.append_template(sign);
    if (zeros) pad(conversion, n_chars, '0');
    out_.append_template(digits);
    if (conversion.left) pad(conversion, n_chars, ' ');
  }

  void pad(const Conversion& conversion, std::size_t n_chars, char fill) {
    const auto width = static_cast<std::uint64_t>(conversion.width);
    if (width <= n_chars) return;
    runtime_.check_string_bytes(width);
    out_.append_template(std::string(width - n_chars, fill));
  }

  Runtime& runtime_;
  const StringPayload& format_;
  std::string_view text_;
  const Value& values_;
  TextBuilder out_;
  std::size_t next_ = 0;     // in text_
  std::size_t n_taken_ = 0;  // values used
};

}  // namespace

Value format_percent(Runtime& runtime, const StringPayload& format, const Value& values) {
  runtime.scan(format.marked.text.size());
  return PercentFormatter(runtime, format, values).run();
}

}  // namespace tinyllm::jinja

#include "text/jinja/format.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "text/jinja/access.h"
#include "text/jinja/repr.h"
#include "text/jinja/unicode.h"

namespace tinyllm::jinja {
namespace {

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

  std::int64_t parse_number() {
    if (peek() == '*') runtime_.unsupported("'*' in a % conversion");
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
    if (peek() == '.') {
      ++next_;
      conversion.precision = parse_number();
    }
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
      case 'r': return append_text(conversion, value);
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o': return append_integer(conversion, value);
      case 'a':
      case 'c': runtime_.unsupported("'%{}' is not supported", conversion.type);
      default: return append_real(conversion, value);
    }
  }

  void append_text(const Conversion& conversion, const Value& value) {
    TextBuilder whole(runtime_);
    if (conversion.type == 's') {
      append_str(whole, runtime_, value);
    } else {
      append_repr(whole, runtime_, value);
    }
    const MarkedText marked = whole.take();
    std::size_t end = marked.text.size();
    if (conversion.precision) {
      end = char_offset(marked.text, *conversion.precision);
    }
    const std::size_t n_chars = count_chars(std::string_view(marked.text).substr(0, end));
    if (!conversion.left) pad(conversion, n_chars, ' ');
    out_.append(marked, 0, end);
    if (conversion.left) pad(conversion, n_chars, ' ');
  }

  void append_integer(const Conversion& conversion, const Value& value) {
    if (value.is_undefined()) runtime_.fail_undefined(value);
    std::int64_t integer = 0;
    if (const auto exact = value.integer()) {
      integer = *exact;
    } else if (const auto number = value.number();
               number && std::string_view("diu").find(conversion.type) != std::string_view::npos &&
               *number > -9.2e18 && *number < 9.2e18) {
      integer = static_cast<std::int64_t>(*number);
    } else {
      runtime_.fail("%{} needs a number, not {}", conversion.type, type_name(value));
    }
    const std::uint64_t magnitude =
        integer < 0 ? 0 - static_cast<std::uint64_t>(integer) : static_cast<std::uint64_t>(integer);
    std::string digits = conversion.type == 'x'   ? fmt::format("{:x}", magnitude)
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
    append_number(conversion, integer < 0, prefix, digits);
  }

  void append_real(const Conversion& conversion, const Value& value) {
    if (value.is_undefined()) runtime_.fail_undefined(value);
    const auto number = value.number();
    if (!number) runtime_.fail("%{} needs a number, not {}", conversion.type, type_name(value));
    const std::int64_t precision = conversion.precision.value_or(6);
    if (precision > 1000) runtime_.unsupported("a precision over 1000 in a % conversion");
    if (conversion.alternate) runtime_.unsupported("'#' with %{}", conversion.type);
    std::string format = "%.*";
    format += conversion.type;
    std::string digits(1400, '\0');
    const int n_bytes = std::snprintf(digits.data(), digits.size(), format.c_str(),
                                      static_cast<int>(precision), std::fabs(*number));
    digits.resize(n_bytes);
    append_number(conversion, std::signbit(*number), "", digits);
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

// The argument that the name between two braces means: "", "0" or "name".
const Value& format_argument(Runtime& runtime, std::string_view field, const CallArgs& args,
                             std::size_t& next_index) {
  if (field.find_first_of(".[!:") != std::string_view::npos) {
    runtime.unsupported("format field '{{{}}}' with an attribute, conversion or specification",
                        field);
  }
  std::size_t index = next_index;
  const bool is_number =
      !field.empty() && field.find_first_not_of("0123456789") == std::string_view::npos;
  if (field.empty()) {
    ++next_index;
  } else if (is_number && field.size() < 6) {
    index = static_cast<std::size_t>(std::stoul(std::string(field)));
  } else {
    for (const auto& [name, value] : args.named) {
      if (name == field) return value;
    }
    runtime.fail("format: there is no argument '{}'", field);
  }
  if (index >= args.positional.size()) runtime.fail("format: there is no argument {}", index);
  return args.positional[index];
}

}  // namespace

Value format_percent(Runtime& runtime, const StringPayload& format, const Value& values) {
  runtime.scan(format.marked.text.size());
  return PercentFormatter(runtime, format, values).run();
}

MarkedText format_braces(Runtime& runtime, const MarkedText& format, const CallArgs& args) {
  const std::string_view text = format.text;
  runtime.scan(text.size());
  TextBuilder out(runtime);
  std::size_t begin = 0, next_index = 0;
  while (true) {
    const std::size_t at = text.find_first_of("{}", begin);
    if (at == std::string_view::npos) break;
    out.append(format, begin, at);
    if (at + 1 < text.size() && text[at + 1] == text[at]) {
      out.append(format, at, at + 1);
      begin = at + 2;
      continue;
    }
    const std::size_t end = text.find('}', at);
    if (text[at] == '}' || end == std::string_view::npos)
      runtime.fail("format: a single '{}' in the text", text[at]);
    append_str(out, runtime,
               format_argument(runtime, text.substr(at + 1, end - at - 1), args, next_index));
    begin = end + 1;
  }
  out.append(format, begin, text.size());
  return out.take();
}

}  // namespace tinyllm::jinja

#include "text/jinja/format_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <optional>

#include "base/utf8.h"
#include "text/jinja/big_integer.h"
#include "text/jinja/repr.h"
#include "text/jinja/unicode.h"

namespace tinyllm::jinja {
namespace {

constexpr std::int64_t kMaxPrecision = 1000;
constexpr std::size_t kMaxNumberBytes = 1600;  // 309 digits, point, kMaxPrecision more, exponent

struct Spec {
  std::string fill = " ";
  char align = '\0';  // < > ^ =; none was given
  char sign = '-';
  bool alternate = false;
  std::int64_t width = 0;
  char grouping = '\0';
  std::optional<std::int64_t> precision;
  char type = '\0';
  bool is_user = false;
};

bool is_align(char c) { return c == '<' || c == '>' || c == '^' || c == '='; }

class SpecParser {
 public:
  SpecParser(Runtime& runtime, std::string_view text) : runtime_(runtime), text_(text) {}

  // `is_number`: a 0 before the width puts zeros behind the sign.
  Spec parse(bool is_number) {
    Spec spec;
    const bool has_fill = parse_align(spec);
    if (next_is("+") || next_is("-") || next_is(" ")) spec.sign = take();
    if (next_is("z")) runtime_.unsupported("'z' in a format specification");
    spec.alternate = skip('#');
    if (!has_fill && skip('0')) {
      spec.fill = "0";
      if (spec.align == '\0' && is_number) spec.align = '=';
    }
    spec.width = parse_number().value_or(0);
    if (next_is(",") || next_is("_")) spec.grouping = take();
    if (skip('.')) {
      spec.precision = parse_number();
      if (!spec.precision) runtime_.fail("a format specification lacks its precision");
    }
    if (text_.size() > 1) runtime_.fail("format specification '{}' is not known", whole_);
    if (!text_.empty()) spec.type = take();
    return spec;
  }

 private:
  bool parse_align(Spec& spec) {
    if (text_.empty()) return false;
    const std::size_t n_bytes = decode_utf8(text_).n_bytes;
    if (text_.size() > n_bytes && is_align(text_[n_bytes])) {
      spec.fill = text_.substr(0, n_bytes);
      spec.align = text_[n_bytes];
      text_.remove_prefix(n_bytes + 1);
      return true;
    }
    if (is_align(text_[0])) spec.align = take();
    return false;
  }

  bool next_is(std::string_view c) const { return text_.starts_with(c); }
  char take() {
    const char c = text_[0];
    text_.remove_prefix(1);
    return c;
  }
  bool skip(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  std::optional<std::int64_t> parse_number() {
    std::int64_t value = 0;
    if (text_.empty() || text_[0] < '0' || text_[0] > '9') return std::nullopt;
    const auto result = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (result.ec != std::errc()) runtime_.fail("a number of a format specification is too large");
    text_.remove_prefix(static_cast<std::size_t>(result.ptr - text_.data()));
    return value;
  }

  Runtime& runtime_;
  std::string_view text_;
  std::string whole_{text_};
};

// A number in its parts: "-", "0x", "1234", ".50%".
struct NumberText {
  std::string sign, prefix, digits, rest;
};

std::string grouped(const std::string& digits, char separator, std::size_t group,
                    std::size_t min_chars) {
  const auto length_of = [&](std::size_t n_digits) {
    return n_digits + (separator != '\0' && n_digits > 0 ? (n_digits - 1) / group : 0);
  };
  std::size_t n_digits = digits.size();
  while (length_of(n_digits) < min_chars) ++n_digits;
  const std::string padded = std::string(n_digits - digits.size(), '0') + digits;
  std::string out;
  for (std::size_t i = 0; i < padded.size(); ++i) {
    if (separator != '\0' && i > 0 && (padded.size() - i) % group == 0) out += separator;
    out += padded[i];
  }
  return out;
}

class Formatter {
 public:
  Formatter(TextBuilder& out, Runtime& runtime, const Spec& spec)
      : out_(out), runtime_(runtime), spec_(spec) {
    runtime.check_string_bytes(static_cast<std::uint64_t>(spec.width) * spec.fill.size());
  }

  void text(const MarkedText& marked) {
    if (spec_.type != '\0' && spec_.type != 's') fail_type("str");
    const bool is_for_numbers =
        spec_.sign != '-' || spec_.alternate || spec_.align == '=' || spec_.grouping != '\0';
    if (is_for_numbers) runtime_.fail("a format specification of numbers for a str");
    std::size_t end = marked.text.size();
    if (spec_.precision) {
      end = char_offset(marked.text, static_cast<std::size_t>(*spec_.precision));
    }
    const std::size_t n_fill = n_missing(count_chars(std::string_view(marked.text).substr(0, end)));
    const char align = spec_.align == '\0' ? '<' : spec_.align;
    const std::size_t n_left = align == '<' ? 0 : align == '>' ? n_fill : n_fill / 2;
    fill(n_left);
    out_.append(marked, 0, end);
    fill(n_fill - n_left);
  }

  void integer(const Value& value) {
    if (spec_.precision) runtime_.fail("a precision is not allowed for whole numbers");
    NumberText number;
    const BigInteger* big = value.big_integer();
    const std::int64_t small = value.integer().value_or(0);
    const bool is_negative = big != nullptr ? big->is_negative : small < 0;
    const auto magnitude =
        small < 0 ? 0 - static_cast<std::uint64_t>(small) : static_cast<std::uint64_t>(small);
    if (spec_.type == 'c') return character(value);
    if (big != nullptr && spec_.type != '\0' && spec_.type != 'd' && spec_.type != 'n') {
      runtime_.unsupported("format '{}' of a whole number of more than 64 bits", spec_.type);
    }
    switch (spec_.type) {
      case 'b': number.digits = fmt::format("{:b}", magnitude); break;
      case 'o': number.digits = fmt::format("{:o}", magnitude); break;
      case 'x': number.digits = fmt::format("{:x}", magnitude); break;
      case 'X': number.digits = fmt::format("{:X}", magnitude); break;
      default: number.digits = big != nullptr ? big->digits : std::to_string(magnitude);
    }
    const bool is_decimal = spec_.type == '\0' || spec_.type == 'd' || spec_.type == 'n';
    if (spec_.alternate && !is_decimal) number.prefix = std::string("0") + spec_.type;
    if (spec_.grouping == ',' && !(is_decimal && spec_.type != 'n')) fail_grouping();
    if (spec_.grouping == '_' && spec_.type == 'n') fail_grouping();
    write(number, is_negative, is_decimal ? 3 : 4);
  }

  void real(double value) {
    const std::int64_t given = spec_.precision.value_or(6);
    if (given > kMaxPrecision) runtime_.unsupported("a precision over {}", kMaxPrecision);
    const int precision = static_cast<int>(given);
    const double magnitude = std::fabs(value);
    std::string text;
    switch (spec_.type) {
      case '\0': text = general(magnitude); break;
      case 'n':
        if (spec_.grouping != '\0') fail_grouping();
        text = real_digits(magnitude, 'g', precision, spec_.alternate);
        break;
      case '%': text = real_digits(magnitude * 100, 'f', precision, spec_.alternate) + "%"; break;
      default: text = real_digits(magnitude, spec_.type, precision, spec_.alternate);
    }
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    NumberText number;
    number.digits = text.substr(0, end);
    number.rest = text.substr(end);
    write(number, std::signbit(value) && !std::isnan(value), 3);
  }

  [[noreturn]] void fail_type(std::string_view type) const {
    runtime_.fail("unknown format code '{}' for an object of type {}", spec_.type, type);
  }

 private:
  [[noreturn]] void fail_grouping() const {
    runtime_.fail("'{}' cannot be in a format specification with '{}'", spec_.grouping, spec_.type);
  }

  void character(const Value& value) {
    if (spec_.sign != '-' || spec_.alternate || spec_.grouping != '\0') {
      runtime_.fail("a sign, # or grouping is not allowed with the format 'c'");
    }
    const auto code = value.integer();
    if (!code || *code < 0 || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000)) {
      runtime_.fail("the format 'c' needs the number of a character");
    }
    NumberText number;
    append_utf8(number.rest, static_cast<char32_t>(*code));
    write(number, false, 3);
  }

  // No type: as repr writes it, or with a precision as 'g', but with a digit behind the point.
  std::string general(double magnitude) const {
    if (!spec_.precision || !std::isfinite(magnitude)) {
      std::string text = repr_of_real(magnitude);
      if (spec_.alternate && text.find('.') == std::string::npos && std::isfinite(magnitude)) {
        text.insert(text.find('e'), ".");
      }
      return text;
    }
    const int precision = std::max(static_cast<int>(*spec_.precision), 1);
    std::string text = real_digits(magnitude, 'e', precision - 1, false);
    const int exponent = std::stoi(text.substr(text.find('e') + 1));
    if (magnitude != 0 && (exponent < -4 || exponent + 1 > precision - 1)) {
      std::string digits = text.substr(0, text.find('e'));
      if (!spec_.alternate && digits.find('.') != std::string::npos) {
        digits.erase(digits.find_last_not_of('0') + 1);
        if (digits.ends_with('.')) digits.pop_back();
      }
      return digits + text.substr(text.find('e'));
    }
    text = real_digits(magnitude, 'g', precision, spec_.alternate);
    if (text.find('.') == std::string::npos) text += ".0";
    if (text.ends_with('.')) text += "0";
    return text;
  }

  std::size_t n_missing(std::size_t n_chars) const {
    const auto width = static_cast<std::size_t>(spec_.width);
    return width > n_chars ? width - n_chars : 0;
  }

  void fill(std::size_t n_times) {
    for (std::size_t i = 0; i < n_times; ++i) out_.append(spec_.fill, spec_.is_user);
  }

  void write(const NumberText& number, bool is_negative, std::size_t group) {
    const std::string head = (is_negative         ? "-"
                              : spec_.sign == '-' ? ""
                                                  : std::string(1, spec_.sign)) +
                             number.prefix;
    const char align = spec_.align == '\0' ? '>' : spec_.align;
    const std::size_t n_others = head.size() + count_chars(number.rest);
    const bool zeros = align == '=' && spec_.fill == "0" && !number.digits.empty();
    const std::string digits =
        grouped(number.digits, spec_.grouping, group, zeros ? n_missing(n_others) : 0);
    const std::size_t n_fill = n_missing(n_others + digits.size());
    const std::size_t n_left = align == '<' ? 0 : align == '^' ? n_fill / 2 : n_fill;
    if (align != '=') fill(n_left);
    out_.append_template(head);
    if (align == '=') fill(n_left);
    out_.append_template(digits);
    out_.append_template(number.rest);
    fill(n_fill - n_left);
  }

  TextBuilder& out_;
  Runtime& runtime_;
  const Spec& spec_;
};

bool is_one_of(char c, std::string_view set) {
  return c != '\0' && set.find(c) != std::string_view::npos;
}

}  // namespace

std::string real_digits(double magnitude, char conversion, int precision, bool keeps_point) {
  std::string digits(kMaxNumberBytes, '\0');
  const std::string format = std::string(keeps_point ? "%#.*" : "%.*") + conversion;
  const int n_bytes =
      std::snprintf(digits.data(), digits.size(), format.c_str(), precision, magnitude);
  digits.resize(static_cast<std::size_t>(n_bytes));
  return digits;
}

void append_formatted(TextBuilder& out, Runtime& runtime, const Value& value,
                      std::string_view spec_text, bool is_user) {
  if (spec_text.empty()) return append_str(out, runtime, value);
  const bool is_number = value.number().has_value();
  if (!is_number && value.string() == nullptr) {
    runtime.fail("a {} has no format '{}'", type_name(value), spec_text);
  }
  Spec spec = SpecParser(runtime, spec_text).parse(is_number);
  spec.is_user = is_user;
  Formatter formatter(out, runtime, spec);
  if (!is_number) return formatter.text(value.string()->marked);
  const bool is_real = value.is<double>();
  if (is_one_of(spec.type, "eEfFgG%") || (is_real && is_one_of(spec.type, "n")) ||
      (is_real && spec.type == '\0')) {
    if (std::isinf(*value.number()) && !is_real) runtime.fail("an int is too large for a float");
    return formatter.real(*value.number());
  }
  if (is_real || !(spec.type == '\0' || is_one_of(spec.type, "bcdnoxX"))) {
    formatter.fail_type(type_name(value));
  }
  formatter.integer(value);
}

}  // namespace tinyllm::jinja

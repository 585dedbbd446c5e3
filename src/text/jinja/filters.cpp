// Filters of one value: texts, numbers, JSON.

#include <charconv>
#include <cmath>

#include "base/utf8.h"
#include "text/jinja/access.h"
#include "text/jinja/big_integer.h"
#include "text/jinja/builtins.h"
#include "text/jinja/format.h"
#include "text/jinja/html.h"
#include "text/jinja/json.h"
#include "text/jinja/operators.h"
#include "text/jinja/repr.h"
#include "text/jinja/strings.h"
#include "text/jinja/unicode.h"

namespace tinyllm::jinja {
namespace {

using Arguments = const CallArgs&;

// soft_str(value): strings stay what they are, all else becomes str(value).
Value soft_string(Runtime& runtime, const Value& value) {
  return value.string() != nullptr ? value : runtime.string(to_str(runtime, value));
}

Value run_string(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "string", call, {});
  return soft_string(runtime, value);
}

template <MarkedText (*kChange)(Runtime&, const MarkedText&)>
Value run_change(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "filter", call, {});
  const Value text = soft_string(runtime, value);
  return runtime.string(kChange(runtime, text.string()->marked), text.string()->is_markup);
}

Value run_trim(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "trim", call, {"chars"});
  const StringPayload* chars = args.get_some(0) != nullptr ? &args.string(0) : nullptr;
  return strip(runtime, *soft_string(runtime, value).string(), chars, Side::both);
}

Value run_replace(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "replace", call, {"old", "new", "count"}, 2);
  const std::int64_t max_count = args.get_some(2) != nullptr ? args.integer(2, -1) : -1;
  return runtime.string(replace(runtime, to_str(runtime, value), to_str(runtime, args[0]),
                                to_str(runtime, args[1]), max_count));
}

Value run_center(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "center", call, {"width"});
  return pad(runtime, *soft_string(runtime, value).string(), args.integer(0, 80), " ", Side::both);
}

Value run_safe(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "safe", call, {});
  return runtime.string(to_str(runtime, value), true);
}

Value run_escape(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "escape", call, {});
  if (value.string() != nullptr && value.string()->is_markup) return value;
  TextBuilder out(runtime);
  append_escaped(out, to_str(runtime, value));
  return runtime.string(out.take(), true);
}

Value run_forceescape(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "forceescape", call, {});
  TextBuilder out(runtime);
  append_escaped(out, to_str(runtime, value));
  return runtime.string(out.take(), true);
}

Value run_indent(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "indent", call, {"width", "first", "blank"});
  if (value.string() == nullptr) runtime.fail("indent needs a string, not {}", type_name(value));
  MarkedText indent;
  if (args.get(0) != nullptr && args[0].string() != nullptr) {
    indent = args[0].string()->marked;
  } else {
    const std::int64_t width = args.integer(0, 4);
    if (width > 0) runtime.check_string_bytes(static_cast<std::uint64_t>(width));
    indent.text.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
  }
  TextBuilder with_newline(runtime);  // so that a text that ends in a newline keeps it
  with_newline.append(value.string()->marked);
  with_newline.append_template("\n");
  const StringPayload text{with_newline.take(), false};
  const std::vector<Value> lines = split_lines(runtime, text, false);
  TextBuilder out(runtime);
  if (args.is_true(1)) out.append(indent);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const MarkedText& line = lines[i].string()->marked;
    if (i > 0) out.append_template("\n");
    if (i > 0 && (args.is_true(2) || !line.text.empty())) out.append(indent);
    out.append(line);
  }
  return runtime.string(out.take(), value.string()->is_markup);
}

Value run_truncate(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "truncate", call, {"length", "killwords", "end", "leeway"});
  const std::int64_t max_chars = args.integer(0, 255);
  const MarkedText end = args.get(2) != nullptr ? args.string(2).marked : MarkedText{"...", {}};
  const std::int64_t leeway = args.get_some(3) != nullptr ? args.integer(3, 5) : 5;
  const auto end_chars = static_cast<std::int64_t>(count_chars(end.text));
  if (max_chars < end_chars || leeway < 0) runtime.fail("truncate: length or leeway is too small");
  if (length(runtime, value) - std::min(leeway, max_chars) <= std::max(leeway, max_chars)) {
    return value;
  }
  if (value.string() == nullptr) runtime.fail("truncate needs a string, not {}", type_name(value));
  const StringPayload& text = *value.string();
  std::size_t cut = char_offset(text.marked.text, max_chars - end_chars);
  if (!args.is_true(1)) {
    const std::size_t space = std::string_view(text.marked.text).substr(0, cut).rfind(' ');
    if (space != std::string_view::npos) cut = space;
  }
  TextBuilder out(runtime);
  out.append(text.marked, 0, cut);
  out.append(end);
  return runtime.string(out.take(), text.is_markup);
}

Value run_striptags(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "striptags", call, {});
  return runtime.string(strip_tags(runtime, to_str(runtime, value)));
}

// Pairs become "a=1&b=2", all else one quoted text.
Value run_urlencode(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "urlencode", call, {});
  TextBuilder out(runtime);
  if (value.string() != nullptr || !is_iterable(value)) {
    append_url_quoted(out, to_str(runtime, value), false);
    return runtime.string(out.take());
  }
  std::vector<Value> pairs;
  if (const DictPayload* dict = value.dict()) {
    for (const auto& [key, entry] : dict->entries) pairs.push_back(runtime.tuple({key, entry}));
  } else {
    pairs = iterate(runtime, value);
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const std::vector<Value> pair = iterate(runtime, pairs[i]);
    if (pair.size() != 2) runtime.fail("urlencode needs pairs, found {} items", pair.size());
    if (i > 0) out.append_template("&");
    append_url_quoted(out, to_str(runtime, pair[0]), true);
    out.append_template("=");
    append_url_quoted(out, to_str(runtime, pair[1]), true);
  }
  return runtime.string(out.take());
}

Value run_wordcount(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "wordcount", call, {});
  const MarkedText text = to_str(runtime, value);
  runtime.scan(text.text.size());
  return make_integer(count_words(text.text));
}

Value run_format(Runtime& runtime, const Value& value, Arguments call) {
  if (!call.positional.empty() && !call.named.empty()) {
    runtime.fail("format takes positional or named arguments, not both");
  }
  const Value text = soft_string(runtime, value);
  if (call.named.empty()) {
    return format_percent(runtime, *text.string(), runtime.tuple(call.positional));
  }
  std::vector<std::pair<Value, Value>> entries;
  for (const auto& [name, argument] : call.named) entries.emplace_back(make_text(name), argument);
  return format_percent(runtime, *text.string(), runtime.dict(std::move(entries)));
}

Value run_default(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "default", call, {"default_value", "boolean"});
  const bool replaces = value.is_undefined() || (args.is_true(1) && !is_true(value));
  if (!replaces) return value;
  return args.get(0) != nullptr ? args[0] : make_text("");
}

Value run_attr(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "attr", call, {"name"}, 1);
  const std::string& name = args.string(0).marked.text;
  // Unlike x.name, keys of a dict are not attributes.
  if (value.dict() != nullptr && find_method(value, name) == nullptr) {
    return make_undefined(fmt::format("'dict object' has no attribute '{}'", name));
  }
  return get_attribute(runtime, value, name);
}

Value run_abs(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "abs", call, {});
  if (value.is_undefined()) runtime.fail_undefined(value);
  const auto number = value.number();
  if (!number) runtime.fail("abs needs a number, not {}", type_name(value));
  if (const auto integer = value.integer()) {
    return *integer < 0 ? negative(runtime, value) : make_integer(*integer);
  }
  if (const BigInteger* big = value.big_integer()) return big->is_negative ? negated(*big) : value;
  return make_real(std::fabs(*number));
}

std::string_view stripped(std::string_view text) {
  text.remove_prefix(count_leading_spaces(text));
  text.remove_suffix(count_trailing_spaces(text));
  return text;
}

// The decimal digits of any script as 0 to 9.
std::string with_ascii_digits(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Utf8Char c = decode_utf8(text);
    if (c.code_point >= 0x80 && is_decimal_digit(c.code_point)) {
      out += static_cast<char>('0' + decimal_digit_value(c.code_point));
    } else {
      out += text.substr(0, c.n_bytes);
    }
    text.remove_prefix(c.n_bytes);
  }
  return out;
}

// The digits that Python's int() and float() see: underscores only between digits, one plus sign.
std::optional<std::string> clean_number(std::string_view whole_text) {
  std::string digits;
  const std::string ascii = with_ascii_digits(stripped(whole_text));
  std::string_view text = ascii;
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.starts_with('+') || (text.size() > 1 && text[0] == '_')) return std::nullopt;
  const auto is_alnum = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits += text[i];
    } else if (i == 0 || i + 1 == text.size() || !is_alnum(text[i - 1]) || !is_alnum(text[i + 1])) {
      return std::nullopt;
    }
  }
  return digits;
}

std::optional<double> parse_real(std::string_view text) {
  const auto digits = clean_number(text);
  if (!digits || digits->empty()) return std::nullopt;
  double value = 0;
  const char* end = digits->data() + digits->size();
  const auto result = std::from_chars(digits->data(), end, value);
  if (result.ptr != end) return std::nullopt;
  if (result.ec == std::errc::result_out_of_range) return std::strtod(digits->c_str(), nullptr);
  return value;
}

std::optional<Value> parse_integer(Runtime& runtime, std::string_view text, int base) {
  const auto clean = clean_number(text);
  if (!clean || clean->empty()) return std::nullopt;
  std::string digits = *clean;
  const std::size_t sign = digits[0] == '-' ? 1 : 0;
  const std::string_view rest = std::string_view(digits).substr(sign);
  const char mark = rest.size() > 2 && rest[0] == '0' ? static_cast<char>(rest[1] | 0x20) : '\0';
  const int marked_base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
  if (marked_base != 0 && (base == marked_base || base == 0)) {
    digits.erase(sign, 2);
    base = marked_base;
  } else if (base == 0) {
    base = 10;
  }
  std::int64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value, base);
  if (result.ec == std::errc::result_out_of_range && result.ptr == end) {
    if (digits.size() > kMaxDigits) return std::nullopt;  // Python's int() refuses it too
    runtime.step(digits.size() * digits.size() / 64);
    const std::size_t sign_end = digits[0] == '-' ? 1 : 0;
    BigInteger big = digits_of(std::string_view(digits).substr(sign_end), base);
    big.is_negative = sign_end == 1;
    return make_whole(std::move(big));
  }
  const bool is_whole = result.ec == std::errc() && result.ptr == end;
  return is_whole ? std::optional(make_integer(value)) : std::nullopt;
}

Value run_int(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "int", call, {"default", "base"});
  if (value.is_undefined()) runtime.fail_undefined(value);
  if (value.big_integer() != nullptr) return value;
  std::optional<Value> result;
  if (const auto integer = value.integer()) result = make_integer(*integer);
  if (const StringPayload* text = value.string()) {
    const std::int64_t base = args.integer(1, 10);
    if (base != 0 && (base < 2 || base > 36)) runtime.fail("int: base is {}, must be 2..36", base);
    result = parse_integer(runtime, text->marked.text, static_cast<int>(base));
    const auto real = result ? std::nullopt : parse_real(text->marked.text);
    if (real && std::isfinite(*real)) result = make_whole(*real);
  } else if (const auto* real = std::get_if<double>(&value.data)) {
    if (std::isinf(*real)) runtime.fail("int: cannot convert infinity");
    if (!std::isnan(*real)) result = make_whole(*real);
  }
  if (result) return *result;
  return args.get(0) != nullptr ? args[0] : make_integer(0);
}

Value run_float(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "float", call, {"default"});
  if (value.is_undefined()) runtime.fail_undefined(value);
  std::optional<double> result = value.number();
  if (const StringPayload* text = value.string()) result = parse_real(text->marked.text);
  if (result) return make_real(*result);
  return args.get(0) != nullptr ? args[0] : make_real(0);
}

// Python's round: to the nearest decimal of the exact binary value, halves to even.
double round_to(double value, int precision) {
  if (precision >= 0 && precision <= 22) {
    char buffer[400];
    const int n_bytes = std::snprintf(buffer, sizeof buffer, "%.*f", precision, value);
    if (n_bytes > 0 && n_bytes < static_cast<int>(sizeof buffer)) {
      return std::strtod(buffer, nullptr);
    }
  }
  if (precision > 22) return value;
  const double scale = std::pow(10.0, -precision);
  return std::nearbyint(value / scale) * scale;
}

Value run_round(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "round", call, {"precision", "method"});
  const std::int64_t precision = args.integer(0, 0);
  const std::string method = args.get(1) != nullptr ? args.string(1).marked.text : "common";
  const auto number = value.number();
  if (value.is_undefined()) runtime.fail_undefined(value);
  if (!number) runtime.fail("round needs a number, not {}", type_name(value));
  if (precision < -300 || precision > 300) runtime.fail("round: precision is {}", precision);
  if (value.big_integer() != nullptr) {
    if (precision < 0) runtime.unsupported("round of a whole number of more than 64 bits");
    if (method == "common") return value;
  }
  if (method == "common") {
    if (value.integer() && precision >= 0) return make_integer(*value.integer());
    const double rounded = round_to(*number, static_cast<int>(precision));
    if (!value.integer()) return make_real(rounded);
    return make_integer(static_cast<std::int64_t>(rounded));
  }
  if (method != "ceil" && method != "floor") {
    runtime.fail("round: method is '{}', must be common, ceil or floor", method);
  }
  if (!value.is<double>() && precision >= 0) return make_real(*number);
  const double scale = std::pow(10.0, static_cast<double>(precision));
  const double scaled = *number * scale;
  if (!std::isfinite(scaled)) runtime.fail("round: cannot make {} whole", scaled);
  return make_real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale + 0.0);
}

Value run_tojson(Runtime& runtime, const Value& value, Arguments call) {
  const BoundArgs args(runtime, "tojson", call,
                       {"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonOptions options;
  options.ensure_ascii = args.is_true(0);
  options.sort_keys = args.is_true(3);
  StringPayload indent;
  if (const Value* given = args.get_some(1)) {
    if (given->string() != nullptr) {
      indent = *given->string();
    } else {
      const std::int64_t width = args.integer(1, 0);
      if (width > 0) runtime.check_string_bytes(static_cast<std::uint64_t>(width));
      indent.marked.text.assign(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' ');
    }
    options.indent = &indent;
  }
  if (const Value* separators = args.get_some(2)) {
    const SequencePayload* pair = separators->sequence();
    if (pair == nullptr || pair->items.size() != 2 || pair->items[0].string() == nullptr ||
        pair->items[1].string() == nullptr) {
      runtime.fail("tojson: separators must be a pair of strings");
    }
    options.item_separator = pair->items[0].string();
    options.key_separator = pair->items[1].string();
  }
  TextBuilder out(runtime);
  append_json(out, runtime, value, options);
  return runtime.string(out.take());
}

constexpr NativeFunction kFilters[] = {
    {"abs", run_abs},
    {"attr", run_attr},
    {"capitalize", run_change<capitalize>},
    {"center", run_center},
    {"d", run_default},
    {"default", run_default},
    {"e", run_escape},
    {"escape", run_escape},
    {"float", run_float},
    {"forceescape", run_forceescape},
    {"format", run_format},
    {"indent", run_indent},
    {"int", run_int},
    {"lower", run_change<to_lower>},
    {"replace", run_replace},
    {"round", run_round},
    {"safe", run_safe},
    {"string", run_string},
    {"striptags", run_striptags},
    {"title", run_change<title_filter>},
    {"tojson", run_tojson},
    {"trim", run_trim},
    {"truncate", run_truncate},
    {"upper", run_change<to_upper>},
    {"urlencode", run_urlencode},
    {"wordcount", run_wordcount},
};

}  // namespace

std::span<const NativeFunction> value_filters() { return kFilters; }

}  // namespace tinyllm::jinja

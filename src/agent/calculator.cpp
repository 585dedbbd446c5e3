#include "agent/calculator.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

#include "base/error.h"
#include "base/quote.h"

namespace tinyllm {
namespace {

constexpr std::size_t kMaxBytes = 1000;
constexpr int kMaxDepth = 100;

// Whole numbers stay whole as long as 64 bits hold them.
struct Number {
  bool is_whole = false;
  std::int64_t whole = 0;
  double real = 0;
  double value() const { return is_whole ? static_cast<double>(whole) : real; }
};

Number whole(std::int64_t value) { return {true, value, 0}; }
Number real(double value) { return {false, 0, value}; }

struct Function {
  std::string_view name;
  double (*apply)(double);
};

constexpr std::array<Function, 14> kFunctions = {{{"acos", std::acos},
                                                  {"asin", std::asin},
                                                  {"atan", std::atan},
                                                  {"cos", std::cos},
                                                  {"exp", std::exp},
                                                  {"floor", std::floor},
                                                  {"ceil", std::ceil},
                                                  {"ln", std::log},
                                                  {"log", std::log10},
                                                  {"log2", std::log2},
                                                  {"round", std::round},
                                                  {"sin", std::sin},
                                                  {"sqrt", std::sqrt},
                                                  {"tan", std::tan}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// sum: product (+|- product)*; product: sign (*|/|% sign)*; sign: [-|+] power; power: value [^ sign].
class Calculation {
 public:
  explicit Calculation(std::string_view text) : text_(text) {}

  Number run() {
    const Number result = sum();
    if (at_ < text_.size()) wrong(fmt::format("{} does not fit here", quote(text_.substr(at_, 1))));
    return result;
  }

 private:
  [[noreturn]] void wrong(std::string_view why) const {
    fail(ErrorCode::invalid_input, "at {} of {}: {}", at_ + 1, quote(text_), why);
  }

  // What comes next, blanks skipped; '\0' at the end.
  char next() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }

  bool take(char c) {
    if (next() != c) return false;
    ++at_;
    return true;
  }

  Number checked(double value) const {
    if (std::isnan(value)) wrong("this has no real value");
    if (std::isinf(value)) wrong("this is too large");
    constexpr double kExact =
        9007199254740992.0;  // 2^53: up to here doubles hold every whole number
    if (value == std::floor(value) && std::abs(value) <= kExact)
      return whole(static_cast<std::int64_t>(value));
    return real(value);
  }

  Number sum() {
    if (++depth_ > kMaxDepth) wrong("this is nested too deeply");
    Number left = product();
    while (true) {
      if (take('+')) {
        left = add(left, product());
      } else if (take('-')) {
        left = subtract(left, product());
      } else {
        --depth_;
        return left;
      }
    }
  }

  Number product() {
    Number left = sign();
    while (true) {
      if (next() == '*' && text_.substr(at_, 2) == "**") return left;
      if (take('*')) {
        left = multiply(left, sign());
      } else if (take('/')) {
        left = divide(left, sign());
      } else if (take('%')) {
        left = modulo(left, sign());
      } else {
        return left;
      }
    }
  }

  Number sign() {
    if (++depth_ > kMaxDepth) wrong("this is nested too deeply");
    Number result;
    if (take('-')) {
      result = subtract(whole(0), sign());
    } else if (take('+')) {
      result = sign();
    } else {
      result = power();
    }
    --depth_;
    return result;
  }

  Number power() {
    const Number base = value();
    if (next() == '*' && text_.substr(at_, 2) == "**") {
      at_ += 2;
    } else if (!take('^')) {
      return base;
    }
    return raise(base, sign());
  }

  Number value() {
    const char c = next();
    if (c == '\0') wrong("a number is missing");
    if (take('(')) {
      const Number inside = sum();
      if (!take(')')) wrong("a ')' is missing");
      return inside;
    }
    if (is_digit(c) || c == '.') return number();
    if (is_letter(c)) return named();
    wrong(fmt::format("{} does not fit here", quote(text_.substr(at_, 1))));
  }

  Number number() {
    const char* begin = text_.data() + at_;
    const char* end = text_.data() + text_.size();
    double fraction = 0;
    const auto [after, error] = std::from_chars(begin, end, fraction);
    if (error == std::errc::result_out_of_range) wrong("this number is too large or too small");
    if (error != std::errc()) wrong("this is no number");
    std::int64_t digits = 0;
    const auto [after_whole, error_whole] = std::from_chars(begin, end, digits);
    const bool is_whole = error_whole == std::errc() && after_whole == after;
    at_ += static_cast<std::size_t>(after - begin);
    return is_whole ? whole(digits) : checked(fraction);
  }

  Number named() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (name == "pi") return real(std::numbers::pi);
    if (name == "e") return real(std::numbers::e);
    if (name == "abs" || name == "min" || name == "max") return of_several(name);
    const auto found = std::ranges::find(kFunctions, name, &Function::name);
    if (found == kFunctions.end()) {
      at_ = begin;
      wrong(
          fmt::format("{} is not known; pi, e, abs, min, max, sqrt, exp, ln, log, log2, sin, cos, "
                      "tan, asin, acos, atan, floor, ceil and round are",
                      quote(name)));
    }
    const std::vector<Number> values = arguments(1, 1);
    return checked(found->apply(values[0].value()));
  }

  std::vector<Number> arguments(std::size_t least, std::size_t most) {
    if (!take('(')) wrong("a '(' is missing");
    std::vector<Number> values = {sum()};
    while (take(',')) values.push_back(sum());
    if (!take(')')) wrong("a ')' is missing");
    if (values.size() < least || values.size() > most)
      wrong(fmt::format("{} values where {} belong", values.size(), least));
    return values;
  }

  Number of_several(std::string_view name) {
    if (name == "abs") {
      const Number one = arguments(1, 1)[0];
      return one.value() < 0 ? subtract(whole(0), one) : one;
    }
    const std::vector<Number> values = arguments(1, kMaxBytes);
    const auto less = [](const Number& a, const Number& b) {
      return a.is_whole && b.is_whole ? a.whole < b.whole : a.value() < b.value();
    };
    return name == "min" ? *std::ranges::min_element(values, less)
                         : *std::ranges::max_element(values, less);
  }

  Number add(const Number& a, const Number& b) const {
    std::int64_t result = 0;
    const bool is_exact =
        a.is_whole && b.is_whole && !__builtin_add_overflow(a.whole, b.whole, &result);
    return is_exact ? whole(result) : checked(a.value() + b.value());
  }

  Number subtract(const Number& a, const Number& b) const {
    std::int64_t result = 0;
    const bool is_exact =
        a.is_whole && b.is_whole && !__builtin_sub_overflow(a.whole, b.whole, &result);
    return is_exact ? whole(result) : checked(a.value() - b.value());
  }

  Number multiply(const Number& a, const Number& b) const {
    std::int64_t result = 0;
    const bool is_exact =
        a.is_whole && b.is_whole && !__builtin_mul_overflow(a.whole, b.whole, &result);
    return is_exact ? whole(result) : checked(a.value() * b.value());
  }

  // The one quotient of whole numbers that 64 bits do not hold is that by -1.
  Number divide(const Number& a, const Number& b) const {
    if (b.value() == 0) wrong("a division by zero");
    if (a.is_whole && b.is_whole && b.whole == -1) return subtract(whole(0), a);
    if (a.is_whole && b.is_whole && a.whole % b.whole == 0) return whole(a.whole / b.whole);
    return checked(a.value() / b.value());
  }

  // With the sign of the divisor, as in Python.
  Number modulo(const Number& a, const Number& b) const {
    if (b.value() == 0) wrong("a division by zero");
    if (a.is_whole && b.is_whole) {
      if (b.whole == -1) return whole(0);
      const std::int64_t rest = a.whole % b.whole;
      return whole(rest != 0 && (rest < 0) != (b.whole < 0) ? rest + b.whole : rest);
    }
    const double rest = std::fmod(a.value(), b.value());
    return checked(rest != 0 && (rest < 0) != (b.value() < 0) ? rest + b.value() : rest);
  }

  Number raise(const Number& base, const Number& exponent) const {
    if (base.is_whole && exponent.is_whole && exponent.whole >= 0 && exponent.whole < 64) {
      Number result = whole(1);
      for (std::int64_t i = 0; i < exponent.whole; ++i) result = multiply(result, base);
      if (result.is_whole) return result;
    }
    if (base.value() == 0 && exponent.value() < 0) wrong("a division by zero");
    return checked(std::pow(base.value(), exponent.value()));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::string calculate(std::string_view expression) {
  if (expression.size() > kMaxBytes)
    fail(ErrorCode::invalid_input, "the expression has {} bytes, {} are the most",
         expression.size(), kMaxBytes);
  const Number result = Calculation(expression).run();
  return result.is_whole ? fmt::format("{}", result.whole) : fmt::format("{:.15g}", result.real);
}

Tool make_calculator() {
  return {.name = "calculator",
          .description =
              "Computes an arithmetic expression and gives its value. Knows + - * / % ^, "
              "brackets, pi, e, sqrt, abs, min, max, exp, ln, log, sin, cos, tan, floor, "
              "ceil and round.",
          .parameters = R"({"type": "object", "properties": {"expression": {"type": "string",)"
                        R"( "description": "The arithmetic of the question"}},)"
                        R"( "required": ["expression"], "additionalProperties": false})",
          .call = [](const nlohmann::ordered_json& arguments, function_ref<bool()>) {
            return ToolResult{calculate(text_argument(arguments, "expression"))};
          }};
}

}  // namespace tinyllm

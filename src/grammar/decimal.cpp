#include "grammar/decimal.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/json_values.h"

namespace tinyllm {
namespace {

constexpr double kMaxExact = 9007199254740992.0;  // 2^53
constexpr std::size_t kMaxDigits = 400;           // more than the largest double has

int compare_magnitudes(const Decimal& a, const Decimal& b) {
  if (a.whole.size() != b.whole.size()) return a.whole.size() < b.whole.size() ? -1 : 1;
  const int whole = a.whole.compare(b.whole);
  return whole != 0 ? whole : a.fraction.compare(b.fraction);
}

// "-12.5", "1e-07": digits, a point and an exponent as a printed double has them.
Decimal parse_decimal(std::string_view text) {
  Decimal result;
  result.is_negative = text.starts_with('-');
  if (result.is_negative) text.remove_prefix(1);
  const std::size_t e = text.find('e');
  int exponent = e == std::string_view::npos ? 0 : std::stoi(std::string(text.substr(e + 1)));
  text = text.substr(0, e);
  const std::size_t point = text.find('.');
  std::string digits(text.substr(0, point));
  int n_whole = static_cast<int>(digits.size());
  if (point != std::string_view::npos) digits += text.substr(point + 1);
  n_whole += exponent;
  if (n_whole < 0) {
    digits.insert(0, static_cast<std::size_t>(-n_whole), '0');
    n_whole = 0;
  }
  if (digits.size() < static_cast<std::size_t>(n_whole)) {
    digits.append(static_cast<std::size_t>(n_whole) - digits.size(), '0');
  }
  result.whole = digits.substr(0, static_cast<std::size_t>(n_whole));
  result.fraction = digits.substr(static_cast<std::size_t>(n_whole));
  result.whole.erase(0, result.whole.find_first_not_of('0'));
  if (result.whole.empty()) result.whole = "0";
  result.fraction.erase(result.fraction.find_last_not_of('0') + 1);
  if (result.is_zero()) result.is_negative = false;
  return result;
}

std::string plus_one(std::string digits) {
  for (std::size_t i = digits.size(); i-- > 0;) {
    if (digits[i] != '9') {
      ++digits[i];
      return digits;
    }
    digits[i] = '0';
  }
  return "1" + digits;
}

}  // namespace

int compare(const Decimal& a, const Decimal& b) {
  if (a.is_negative != b.is_negative) return a.is_negative ? -1 : 1;
  return a.is_negative ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}

bool is_number(const nlohmann::ordered_json& value) {
  return value.is_number() || big_integer_in(value).has_value();
}

std::optional<Decimal> decimal_of(const nlohmann::ordered_json& value) {
  if (const auto digits = big_integer_in(value)) {
    if (digits->size() > kMaxDigits) return std::nullopt;
    return parse_decimal(*digits);
  }
  if (!value.is_number()) return std::nullopt;
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (!std::isfinite(number) || std::abs(number) >= kMaxExact) return std::nullopt;
  }
  return parse_decimal(value.dump());
}

Decimal rounded(const Decimal& value, bool up) {
  Decimal result = value;
  result.fraction.clear();
  if (!value.fraction.empty() && up != value.is_negative) result.whole = plus_one(value.whole);
  if (result.is_zero()) result.is_negative = false;
  return result;
}

}  // namespace tinyllm

#include "text/jinja/big_integer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <utility>

namespace tinyllm::jinja {
namespace {

BigInteger parse(std::string_view text) {
  BigInteger big;
  big.is_negative = text.starts_with('-');
  if (big.is_negative) text.remove_prefix(1);
  big.digits = text.substr(std::min(text.find_first_not_of('0'), text.size()));
  return big;
}

Value make_value(BigInteger big) {
  big.digits.erase(0, std::min(big.digits.find_first_not_of('0'), big.digits.size()));
  const std::string text = text_of(big);
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec == std::errc()) return make_integer(value);
  return Value{std::make_shared<const BigInteger>(std::move(big))};
}

int order_of_magnitudes(const std::string& left, const std::string& right) {
  if (left.size() != right.size()) return left.size() < right.size() ? -1 : 1;
  const int order = left.compare(right);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

}  // namespace

Value make_whole(std::string_view text) { return make_value(parse(text)); }

Value make_whole(__int128 value) {
  std::string digits;
  const bool is_negative = value < 0;
  do {
    const int digit = static_cast<int>(value % 10);
    digits += static_cast<char>('0' + std::abs(digit));
    value /= 10;
  } while (value != 0);
  std::reverse(digits.begin(), digits.end());
  return make_value({is_negative, digits});
}

Value make_whole(double value) { return make_whole(fmt::format("{:.0f}", std::trunc(value))); }

std::string text_of(const BigInteger& value) {
  const std::string digits = value.digits.empty() ? "0" : value.digits;
  return value.is_negative ? "-" + digits : digits;
}

double to_double(const BigInteger& value) { return std::strtod(text_of(value).c_str(), nullptr); }

Value negated(const BigInteger& value) { return make_value({!value.is_negative, value.digits}); }

int order_of(const BigInteger& left, const BigInteger& right) {
  if (left.is_negative != right.is_negative) return left.is_negative ? -1 : 1;
  const int order = order_of_magnitudes(left.digits, right.digits);
  return left.is_negative ? -order : order;
}

int order_of(const BigInteger& left, double right) {
  if (std::isnan(right)) return 2;
  if (std::isinf(right)) return right > 0 ? -1 : 1;
  // What a double beyond 2^53 holds is whole, and a smaller one is nearer to zero than any of these.
  return order_of(left, parse(fmt::format("{:.0f}", right)));
}

namespace {

int digit_at(const std::string& digits, std::size_t from_right) {
  return from_right < digits.size() ? digits[digits.size() - 1 - from_right] - '0' : 0;
}

std::string sum_of_magnitudes(const std::string& left, const std::string& right) {
  std::string reversed;
  int carry = 0;
  for (std::size_t i = 0; i < std::max(left.size(), right.size()) || carry > 0; ++i) {
    const int digit = digit_at(left, i) + digit_at(right, i) + carry;
    reversed += static_cast<char>('0' + digit % 10);
    carry = digit / 10;
  }
  return {reversed.rbegin(), reversed.rend()};
}

// Of a larger number and a smaller one.
std::string difference_of_magnitudes(const std::string& larger, const std::string& smaller) {
  std::string reversed;
  int borrowed = 0;
  for (std::size_t i = 0; i < larger.size(); ++i) {
    const int digit = digit_at(larger, i) - digit_at(smaller, i) - borrowed;
    borrowed = digit < 0 ? 1 : 0;
    reversed += static_cast<char>('0' + digit + 10 * borrowed);
  }
  const std::string digits(reversed.rbegin(), reversed.rend());
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
}

}  // namespace

BigInteger digits_of(std::int64_t value) { return parse(std::to_string(value)); }

BigInteger digits_of(std::string_view text, int base) {
  BigInteger value;
  for (const char c : text) {
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    value = sum(product(value, digits_of(base)), digits_of(digit));
  }
  return value;
}

Value make_whole(BigInteger value) { return make_value(std::move(value)); }

BigInteger sum(const BigInteger& left, const BigInteger& right) {
  if (left.is_negative == right.is_negative) {
    return {left.is_negative, sum_of_magnitudes(left.digits, right.digits)};
  }
  if (order_of_magnitudes(left.digits, right.digits) >= 0) {
    return {left.is_negative, difference_of_magnitudes(left.digits, right.digits)};
  }
  return {right.is_negative, difference_of_magnitudes(right.digits, left.digits)};
}

BigInteger difference(const BigInteger& left, const BigInteger& right) {
  return sum(left, {!right.is_negative, right.digits});
}

BigInteger product(const BigInteger& left, const BigInteger& right) {
  std::string digits(left.digits.size() + right.digits.size(), '0');
  for (std::size_t i = 0; i < left.digits.size(); ++i) {
    int carry = 0;
    for (std::size_t j = 0; j < right.digits.size() || carry > 0; ++j) {
      char& place = digits[digits.size() - 1 - i - j];
      const int digit = place - '0' + digit_at(left.digits, i) * digit_at(right.digits, j) + carry;
      place = static_cast<char>('0' + digit % 10);
      carry = digit / 10;
    }
  }
  return {left.is_negative != right.is_negative,
          digits.substr(std::min(digits.find_first_not_of('0'), digits.size()))};
}

Division divide(const BigInteger& value, std::int64_t divisor) {
  const __int128 size = divisor < 0 ? -static_cast<__int128>(divisor) : divisor;
  Division result;
  __int128 rest = 0;
  for (const char digit : value.digits) {
    rest = rest * 10 + (digit - '0');
    result.quotient.digits += static_cast<char>('0' + static_cast<int>(rest / size));
    rest %= size;
  }
  result.quotient.is_negative = value.is_negative != (divisor < 0);
  // Towards minus infinity, so that the remainder has the divisor's sign.
  if (rest != 0 && result.quotient.is_negative) {
    result.quotient.digits = sum_of_magnitudes(result.quotient.digits, "1");
    rest = size - rest;
  }
  result.remainder = static_cast<std::int64_t>(divisor < 0 ? -rest : rest);
  return result;
}

}  // namespace tinyllm::jinja

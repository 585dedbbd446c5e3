#include "grammar/number_exprs.h"

#include <string>
#include <vector>

namespace tinyllm {
namespace {

constexpr std::uint32_t kMaxZeros = 16;  // behind the point of a whole number
constexpr std::size_t kMaxDivisorDigits = 4;
constexpr std::size_t kMaxDecimals = 12;

// Builds comparisons of what is written with the digits of a bound, from the left.
class DigitComparison {
 public:
  DigitComparison(ExprPool& pool, bool is_integer) : pool_(pool), is_integer_(is_integer) {}

  ExprId digit(int low, int high) { return pool_.bytes(ByteSet::range('0' + low, '0' + high)); }
  ExprId digits(std::uint32_t min, std::uint32_t max = kNoLimit) {
    return pool_.repeat(digit(0, 9), min, max);
  }
  ExprId point() { return pool_.byte('.'); }
  ExprId zeros() { return pool_.concat(point(), pool_.repeat(digit(0, 0), 1, kMaxZeros)); }
  ExprId any_fraction() {
    return pool_.optional(is_integer_ ? zeros() : pool_.concat(point(), digits(1)));
  }
  ExprId some_digit_not_zero() { return pool_.concat({digits(0), digit(1, 9), digits(0)}); }
  ExprId any_whole() { return pool_.any_of({digit(0, 0), pool_.concat(digit(1, 9), digits(0))}); }
  ExprId anything() { return pool_.concat(any_whole(), any_fraction()); }

  // Not negative, >= bound.
  ExprId at_least(const Decimal& bound, bool is_exclusive) {
    const auto n = static_cast<std::uint32_t>(bound.whole.size());
    const ExprId longer = pool_.concat({digit(1, 9), digits(n), any_fraction()});
    return pool_.any_of({longer, whole_digits(bound, 0, true, is_exclusive)});
  }

  // Not negative, <= bound.
  ExprId at_most(const Decimal& bound, bool is_exclusive) {
    const auto n = static_cast<std::uint32_t>(bound.whole.size());
    std::vector<ExprId> parts = {whole_digits(bound, 0, false, is_exclusive)};
    if (n > 1) {
      parts.push_back(
          pool_.concat(pool_.any_of({digit(0, 0), pool_.concat(digit(1, 9), digits(0, n - 2))}),
                       any_fraction()));
    }
    return pool_.any_of(parts);
  }

 private:
  // From digit `at` of the whole part on, when all before were equal and as many digits follow.
  ExprId whole_digits(const Decimal& bound, std::size_t at, bool is_lower, bool is_exclusive) {
    const std::size_t n = bound.whole.size();
    if (at == n) {
      return is_lower ? fraction_at_least(bound, is_exclusive)
                      : fraction_at_most(bound, is_exclusive);
    }
    const int d = bound.whole[at] - '0';
    const int first = at == 0 && n > 1 ? 1 : 0;
    const int low = is_lower ? d + 1 : first, high = is_lower ? 9 : d - 1;
    std::vector<ExprId> parts = {
        pool_.concat(digit(d, d), whole_digits(bound, at + 1, is_lower, is_exclusive))};
    if (low <= high) {
      const auto n_left = static_cast<std::uint32_t>(n - at - 1);
      parts.push_back(pool_.concat({digit(low, high), digits(n_left, n_left), any_fraction()}));
    }
    return pool_.any_of(parts);
  }

  ExprId fraction_at_least(const Decimal& bound, bool is_exclusive) {
    if (bound.fraction.empty()) {
      if (!is_exclusive) return any_fraction();
      return is_integer_ ? kNothing : pool_.concat(point(), some_digit_not_zero());
    }
    ExprId rest = is_exclusive ? some_digit_not_zero() : digits(0);
    for (std::size_t i = bound.fraction.size(); i-- > 0;) {
      const int d = bound.fraction[i] - '0';
      const ExprId equal = pool_.concat(digit(d, d), rest);
      rest = d == 9 ? equal : pool_.any_of({equal, pool_.concat(digit(d + 1, 9), digits(0))});
    }
    return pool_.concat(point(), rest);
  }

  ExprId fraction_at_most(const Decimal& bound, bool is_exclusive) {
    if (bound.fraction.empty()) return is_exclusive ? kNothing : pool_.optional(zeros());
    ExprId rest = is_exclusive ? kNothing : pool_.repeat(digit(0, 0), 0, kNoLimit);
    for (std::size_t i = bound.fraction.size(); i-- > 0;) {
      const int d = bound.fraction[i] - '0';
      std::vector<ExprId> parts = {pool_.concat(digit(d, d), rest)};
      if (d > 0) parts.push_back(pool_.concat(digit(0, d - 1), digits(0)));
      if (i > 0) parts.push_back(kEmptyText);  // digits that are missing are zeros: less
      rest = pool_.any_of(parts);
    }
    return pool_.any_of({kEmptyText, pool_.concat(point(), rest)});
  }

  ExprPool& pool_;
  bool is_integer_;
};

std::optional<NumberBound> whole_bound(const std::optional<NumberBound>& bound, bool is_low) {
  if (!bound) return bound;
  if (!bound->value.is_integer()) return NumberBound{rounded(bound->value, is_low), false};
  return bound;
}

}  // namespace

ExprId any_number(ExprPool& pool, NumberSet set) {
  DigitComparison digits(pool, set == NumberSet::integers);
  const ExprId minus = pool.optional(pool.byte('-'));
  if (set == NumberSet::not_integers) {
    return pool.concat({minus, digits.any_whole(), digits.point(), digits.some_digit_not_zero()});
  }
  const ExprId plain = pool.concat(minus, digits.anything());
  if (set != NumberSet::any) return plain;
  ByteSet e, sign;
  e.insert('e'), e.insert('E');
  sign.insert('+'), sign.insert('-');
  const ExprId exponent =
      pool.concat({pool.bytes(e), pool.optional(pool.bytes(sign)), digits.digits(1)});
  return pool.concat(plain, pool.optional(exponent));
}

ExprId number_range(ExprPool& pool, const std::optional<NumberBound>& its_low,
                    const std::optional<NumberBound>& its_high, bool is_integer) {
  const std::optional<NumberBound> low = is_integer ? whole_bound(its_low, true) : its_low;
  const std::optional<NumberBound> high = is_integer ? whole_bound(its_high, false) : its_high;
  DigitComparison digits(pool, is_integer);
  const Decimal zero;
  const auto between = [&](const std::optional<NumberBound>& from,
                           const std::optional<NumberBound>& to) {
    std::vector<ExprId> parts = {digits.anything()};
    if (from) parts.push_back(digits.at_least(from->value, from->is_exclusive));
    if (to) parts.push_back(digits.at_most(to->value, to->is_exclusive));
    return parts.size() == 2 ? parts[1] : pool.all_of(parts);
  };
  // Of magnitudes: [from, to] for numbers without a minus, and for those with one.
  const auto negated = [](const std::optional<NumberBound>& bound) {
    return NumberBound{bound->value.magnitude(), bound->is_exclusive};
  };
  std::vector<ExprId> parts;
  if (!high || compare(high->value, zero) >= 0) {
    const bool is_bounded =
        low && (compare(low->value, zero) > 0 || (low->value.is_zero() && low->is_exclusive));
    parts.push_back(between(is_bounded ? low : std::nullopt, high));
  }
  if (!low || low->value.is_negative || (low->value.is_zero() && !low->is_exclusive)) {
    const bool is_bounded =
        high && (high->value.is_negative || (high->value.is_zero() && high->is_exclusive));
    std::optional<NumberBound> from, to;
    if (is_bounded) from = negated(high);
    if (low) to = negated(low);
    parts.push_back(pool.concat(pool.byte('-'), between(from, to)));
  }
  return pool.any_of(parts);
}

ExprId number_value(ExprPool& pool, const Decimal& value) {
  DigitComparison digits(pool, true);
  const ExprId zeros = pool.repeat(digits.digit(0, 0), 0, kMaxZeros);
  const ExprId tail = value.is_integer() ? pool.optional(digits.zeros())
                                         : pool.concat(pool.text("." + value.fraction), zeros);
  const ExprId sign =
      value.is_zero() ? pool.optional(pool.byte('-')) : pool.text(value.is_negative ? "-" : "");
  return pool.concat({sign, pool.text(value.whole), tail});
}

std::optional<ExprId> number_multiple(ExprPool& pool, const Decimal& step) {
  std::string divisor = step.whole + step.fraction;
  divisor.erase(0, divisor.find_first_not_of('0'));
  if (divisor.size() > kMaxDivisorDigits || step.fraction.size() > kMaxDecimals) {
    return std::nullopt;
  }
  const Remainder remainder{.divisor = static_cast<std::uint32_t>(std::stoul(divisor)),
                            .n_decimals = static_cast<std::uint8_t>(step.fraction.size())};
  const ExprId multiple = pool.concat(pool.optional(pool.byte('-')), pool.remainder(remainder));
  return pool.all_of({any_number(pool, NumberSet::no_exponent), multiple});
}

}  // namespace tinyllm

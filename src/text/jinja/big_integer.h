#pragma once
// Whole numbers beyond 64 bits. Python has no other kind; here they are kept as decimal digits, which
// are what a template writes, and reckoned with by pencil and paper. Pure functions.

#include <string>
#include <string_view>

#include "text/jinja/value.h"

namespace tinyllm::jinja {

// Python too neither reads nor writes a whole number of more digits than this.
inline constexpr std::size_t kMaxDigits = 4300;

// "-12" or "12", digits only: an ordinary integer where 64 bits hold it, else a big one.
Value make_whole(std::string_view text);
Value make_whole(__int128 value);
// The whole number nearest to zero of a finite `value`.
Value make_whole(double value);

std::string text_of(const BigInteger& value);  // "-123"
double to_double(const BigInteger& value);     // infinite when it is too large
Value negated(const BigInteger& value);

// -1, 0 or 1 as the left is less, equal or greater; 2 where `right` is not a number.
int order_of(const BigInteger& left, const BigInteger& right);
int order_of(const BigInteger& left, double right);

BigInteger sum(const BigInteger& left, const BigInteger& right);
BigInteger difference(const BigInteger& left, const BigInteger& right);
BigInteger product(const BigInteger& left, const BigInteger& right);  // O(n m) for n and m digits
Value make_whole(BigInteger value);

// Python's value // divisor and value % divisor, with the sign of `divisor`, which is not 0.
struct Division {
  BigInteger quotient;
  std::int64_t remainder;
};
Division divide(const BigInteger& value, std::int64_t divisor);

BigInteger digits_of(std::int64_t value);
// Of a text of digits and letters in base 2 to 36. O(n^2) for n of them.
BigInteger digits_of(std::string_view text, int base);

}  // namespace tinyllm::jinja

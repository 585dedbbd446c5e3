#pragma once
// Arithmetic on sizes that come from a file: a wrap-around is an Error, never a small number.

#include <cstdint>
#include <limits>
#include <utility>

#include "base/error.h"

namespace tinyllm {

// a * b; throws Error{invalid_input} "<what>: a x b does not fit in 64 bits".
inline std::uint64_t checked_mul(std::uint64_t a, std::uint64_t b, const char* what) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) {
    fail(ErrorCode::invalid_input, "{}: {} x {} does not fit in 64 bits", what, a, b);
  }
  return product;
}

// a + b; throws like checked_mul.
inline std::uint64_t checked_add(std::uint64_t a, std::uint64_t b, const char* what) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) {
    fail(ErrorCode::invalid_input, "{}: {} + {} does not fit in 64 bits", what, a, b);
  }
  return sum;
}

// Narrows to a target integer type;
// throws Error{invalid_input} "<what>: is v, must be in [lo, hi]".
template <typename To, typename From>
To checked_cast(From value, const char* what) {
  if (!std::in_range<To>(value)) {
    fail(ErrorCode::invalid_input, "{}: is {}, must be in [{}, {}]", what, value,
         std::numeric_limits<To>::min(), std::numeric_limits<To>::max());
  }
  return static_cast<To>(value);
}

}  // namespace tinyllm

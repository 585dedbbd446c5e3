#include "sampling/exp2.h"

#include <bit>
#include <cmath>
#include <cstdint>

namespace tinyllm {
namespace {

// a * b + c with one rounding, as the fma instruction does it. Where the machine has none, double
// gives the same bits *for the numbers met here*: r is a multiple of 2^-23, so the product and the
// sum fit into the 53 bits of a double and only the last step, to float, rounds. (std::fma would be
// right too, but as a slow library call.)
inline float fused_multiply_add(float a, float b, float c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return std::fma(a, b, c);
#else
  return static_cast<float>(static_cast<double>(a) * b + c);
#endif
}

// x = n + r with an integer n and |r| <= 1/2: a polynomial gives 2^r, the exponent field 2^n.
inline float two_to_the(float x) {
  x = x > kExp2Floor ? x : kExp2Floor;
  // Adding 1.5 x 2^23 pushes the fraction out of the float: the sum is rounded to an integer, which
  // stands in its low bits.
  constexpr float kShift = 0x1.8p23f;
  const float shifted = x + kShift;
  // The same trick one scale lower rounds r to a multiple of 2^-23 (at most 2^-24 is lost).
  const float r = ((x - (shifted - kShift)) + 1.5f) - 1.5f;
  const auto& c = kExp2Coefficients;
  float power = fused_multiply_add(c[5], r, c[4]);
  power = fused_multiply_add(power, r, c[3]);
  power = fused_multiply_add(power, r, c[2]);
  power = fused_multiply_add(power, r, c[1]);
  power = fused_multiply_add(power, r, c[0]);
  power = fused_multiply_add(power, r, 1.0f);
  // Bits of kShift above those of n fall off the left end; what is left is n << 23.
  const std::uint32_t exponent = std::bit_cast<std::uint32_t>(shifted) << 23;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(power) + exponent);
}

}  // namespace

float exp2_portable(float x) { return two_to_the(x); }

void exp2_portable(std::span<float> row) {
  for (float& x : row) x = two_to_the(x);
}

}  // namespace tinyllm

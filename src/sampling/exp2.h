#pragma once
// 2^x for x <= 0 with the same bits on every machine. The C library's exp2 differs between systems
// by the last bit, and one bit is enough to draw another token. Any thread.

#include <array>
#include <span>

namespace tinyllm {

// Below this the result is 2^kExp2Floor: far under the smallest probability mass (candidates.h).
inline constexpr float kExp2Floor = -64.0f;

// 2^r = 1 + r (c[0] + r (c[1] + ... r c[5])) for r in [-1/2, 1/2], error < 4e-9: the polynomial
// through (2^r - 1) / r at the six Chebyshev nodes of that range, coefficients rounded to f32.
inline constexpr std::array<float, 6> kExp2Coefficients = {
    0x1.62e43p-1f, 0x1.ebfbep-3f, 0x1.c6af6cp-5f, 0x1.3b2a54p-7f, 0x1.5f089p-10f, 0x1.44138ap-13f};

// x <= 0 (-inf too, NaN not). Never increases when x decreases;
// exact for integers; relative error <= 1.2e-7 (exp2_test).
float exp2_portable(float x);

// The same for a row [n] f32, in place.
void exp2_portable(std::span<float> row);

}  // namespace tinyllm

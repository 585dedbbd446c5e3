#pragma once
// IEEE binary16 and bfloat16 as bit patterns, converted in plain integer code, equal on every
// machine. The instruction-set folders have faster ways.

#include <bit>
#include <cstdint>

namespace tinyllm {

inline float bf16_to_f32(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

// Round to nearest even; NaN stays NaN.
inline std::uint16_t f32_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

// Exact for every half, subnormals, infinities and NaN included. No branches, so loops vectorise.
inline float f16_to_f32(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000u) << 16;
  const std::uint32_t magnitude = bits & 0x7FFFu;
  // Shift exponent and mantissa into place, then scale by 2^112, which serves subnormals too.
  const float scaled = std::bit_cast<float>(magnitude << 13) * 0x1.0p112f;
  const std::uint32_t finite = std::bit_cast<std::uint32_t>(scaled);
  const std::uint32_t special = (magnitude << 13) | 0x7F800000u;
  return std::bit_cast<float>(sign | (magnitude >= 0x7C00u ? special : finite));
}

// Round to nearest even; overflow becomes infinity.
std::uint16_t f32_to_f16(float value);

}  // namespace tinyllm

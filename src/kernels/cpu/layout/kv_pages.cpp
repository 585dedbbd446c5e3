#include "kernels/cpu/layout/kv_pages.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace tinyllm {
namespace {

constexpr float kQ4Factor = 46.5f;  // kQ4Levels of a row whose mean square is 1
constexpr float kLargestE4m3 = 448.0f;
constexpr float kLeastNormalE4m3 = 0x1p-6f;

bool is_broken(const float* x, std::int32_t n) {
  return !std::all_of(x, x + n, [](float value) { return std::isfinite(value); });
}

// The code whose level is nearest to x.
std::uint8_t nearest_level(float x) {
  std::uint8_t code = 0;
  for (std::uint8_t next = 1; next < 16; ++next) {
    const float middle = 0.5f * static_cast<float>(kQ4Levels[next - 1] + kQ4Levels[next]);
    if (x > middle) code = next;
  }
  return code;
}

}  // namespace

float quantise_kv(const float* x, std::int32_t n, std::int8_t* codes, std::int64_t stride) {
  float largest = 0.0f;
  bool broken = false;
  for (std::int32_t i = 0; i < n; ++i) {
    broken = broken || !std::isfinite(x[i]);
    largest = std::max(largest, std::abs(x[i]));
  }
  const float inverse = largest == 0.0f ? 0.0f : 127.0f / largest;
  for (std::int32_t i = 0; i < n; ++i)
    codes[i * stride] =
        broken ? std::int8_t{0} : static_cast<std::int8_t>(std::lrint(x[i] * inverse));
  return broken ? std::numeric_limits<float>::quiet_NaN() : largest / 127.0f;
}

float quantise_kv_q4(const float* x, std::int32_t n, std::uint8_t* bytes, std::int64_t stride) {
  const std::int32_t half = n / 2;
  float squares = 0.0f;
  for (std::int32_t i = 0; i < n; ++i) squares += x[i] * x[i];
  if (!std::isfinite(squares)) {  // of a NaN, an infinity, or what is as good as that
    for (std::int32_t i = 0; i < half; ++i) bytes[i * stride] = 0;
    return std::numeric_limits<float>::quiet_NaN();
  }
  const float inverse =
      squares == 0.0f ? 0.0f : kQ4Factor / std::sqrt(squares / static_cast<float>(n));
  float of_products = 0.0f, of_levels = 0.0f;
  for (std::int32_t i = 0; i < half; ++i) {
    const std::uint8_t low = nearest_level(x[i] * inverse);
    const std::uint8_t high = nearest_level(x[i + half] * inverse);
    bytes[i * stride] = static_cast<std::uint8_t>(low | high << 4);
    const auto low_level = static_cast<float>(kQ4Levels[low]);
    const auto high_level = static_cast<float>(kQ4Levels[high]);
    of_products += x[i] * low_level + x[i + half] * high_level;
    of_levels += low_level * low_level + high_level * high_level;
  }
  return of_products / of_levels;
}

float quantise_kv_fp8(const float* x, std::int32_t n, std::uint8_t* codes, std::int64_t stride) {
  const bool broken = is_broken(x, n);
  float largest = 0.0f;
  for (std::int32_t i = 0; i < n; ++i) largest = std::max(largest, std::abs(x[i]));
  constexpr float kLeast = 1e-30f;  // a row of less becomes 0: no factor would reach so far
  const float inverse = broken || largest < kLeast ? 0.0f : kLargestE4m3 / largest;
  for (std::int32_t i = 0; i < n; ++i)
    codes[i * stride] = broken ? std::uint8_t{0} : f32_to_e4m3(x[i] * inverse);
  return broken ? std::numeric_limits<float>::quiet_NaN() : largest / kLargestE4m3;
}

std::uint8_t f32_to_e4m3(float value) {
  const auto sign = static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(value) >> 24 & 0x80u);
  if (!std::isfinite(value)) return 0x7F;
  const float size = std::min(std::abs(value), kLargestE4m3);
  if (size < kLeastNormalE4m3)
    return static_cast<std::uint8_t>(sign | static_cast<std::uint8_t>(std::lrint(size * 0x1p9f)));
  std::uint32_t bits = std::bit_cast<std::uint32_t>(size);
  bits += 0x7FFFFu + (bits >> 20 & 1u);  // to 3 bits of mantissa
  return static_cast<std::uint8_t>(sign | ((bits >> 20) - ((127u - 7u) << 3)));
}

float e4m3_to_f32(std::uint8_t code) {
  const std::uint32_t sign = (code & 0x80u) << 24, size = code & 0x7Fu;
  if (size == 0x7F) return std::numeric_limits<float>::quiet_NaN();
  const float value = size < 8 ? static_cast<float>(size) * 0x1p-9f
                               : std::bit_cast<float>((size << 20) + ((127u - 7u) << 23));
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | sign);
}

}  // namespace tinyllm

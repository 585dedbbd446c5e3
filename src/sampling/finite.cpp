#include "sampling/finite.h"

#include <bit>
#include <cstdint>

namespace tinyllm {

bool all_finite(std::span<const float> values) {
  constexpr std::uint32_t kExponent = 0x7F800000u;  // all ones: NaN or infinity
  std::uint32_t n_bad = 0;
  for (const float value : values)
    n_bad += (std::bit_cast<std::uint32_t>(value) & kExponent) == kExponent ? 1u : 0u;
  return n_bad == 0;
}

}  // namespace tinyllm

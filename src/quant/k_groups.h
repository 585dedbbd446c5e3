#pragma once
// How q4_k and q5_k pack 8 group scales and 8 group minima, 6 bits each, in 12 bytes. Groups 0..3:
// the low 6 bits of bytes g (scale) and g + 4 (minimum). Groups 4..7: the low 4 bits stand in byte
// g + 4, the scale's in the low nibble, the minimum's in the high one; the upper 2 bits are the top
// of bytes g - 4 (scale) and g (minimum).

#include <cstdint>

namespace tinyllm {

struct KGroup {
  std::uint8_t scale, min;  // [0, 64)
};

inline KGroup unpack_k_group(const std::uint8_t* packed, int g) {
  if (g < 4) {
    return {static_cast<std::uint8_t>(packed[g] & 63),
            static_cast<std::uint8_t>(packed[g + 4] & 63)};
  }
  return {static_cast<std::uint8_t>((packed[g + 4] & 15) | packed[g - 4] >> 6 << 4),
          static_cast<std::uint8_t>(packed[g + 4] >> 4 | packed[g] >> 6 << 4)};
}

// packed: 12 bytes, written whole. groups: [8].
inline void pack_k_groups(const KGroup* groups, std::uint8_t* packed) {
  for (int g = 0; g < 4; ++g) {
    const KGroup low = groups[g], high = groups[g + 4];
    packed[g] = static_cast<std::uint8_t>(low.scale | high.scale >> 4 << 6);
    packed[g + 4] = static_cast<std::uint8_t>(low.min | high.min >> 4 << 6);
    packed[g + 8] = static_cast<std::uint8_t>((high.scale & 15) | (high.min & 15) << 4);
  }
}

}  // namespace tinyllm

#pragma once
// The 8 tiles of a super-block as the matrix units and the scaling of their sums want them: quants
// as bytes, scales and mins in f32, and of every token the scales and sums side by side. L: a format
// of kernels/cpu/panels/quant_formats.h.

#include "kernels/cpu/avx512/panel_formats.h"

namespace tinyllm::amx {

using panels::Quant;

// Products come in units: a group of a tile.
template <typename L>
constexpr int kUnits = static_cast<int>(kSuperTiles) * L::kGroups;
// Quants with an offset are signed bytes without it, the others unsigned.
template <typename L>
constexpr bool kSigned = L::kQuant == Quant::signed_bytes || L::kOffset != 0;

template <typename L>
struct alignas(64) UnpackedTile {
  byte quants[2][8][64];  // [half][4 columns][16 rows][4]
  float scale[L::kGroups][kTileRows];
  float min[L::kGroups][kTileRows];
};

template <typename L>
static inline void unpack_tile(const byte* header, const byte* tile, UnpackedTile<L>& out) {
  // What unpack_half makes unsigned by adding 128 is made signed again.
  const __m512i offset = _mm512_set1_epi8(L::kQuant == Quant::signed_bytes ? -128 : L::kOffset);
  for (int half = 0; half < 2; ++half) {
    __m512i lines[8];
    avx512::unpack_half<L>(tile + L::kQuantsBegin + half * L::kHalfBytes, lines);
    for (int i = 0; i < 8; ++i) {
      const __m512i line = kSigned<L> ? _mm512_sub_epi8(lines[i], offset) : lines[i];
      _mm512_store_si512(out.quants[half][i], line);
    }
    for (int g = 0; g < L::kGroups; ++g) {
      _mm512_store_ps(out.scale[g] + 16 * half, avx512::load_scale<L>(header, tile, half, g));
      if constexpr (L::kHasMin)
        _mm512_store_ps(out.min[g] + 16 * half, avx512::load_min<L>(header, tile, half, g));
    }
  }
}

// Of a token, tile by tile.
template <typename L>
struct alignas(32) TokenScales {
  float scale[kSuperTiles];
  float sum[kUnits<L>];  // what mins multiply: scaled_sum, or in groups of 16 the sum of a unit
};

// Those of tiles [first, first + n_tiles).
template <typename L>
static inline void copy_scales(const QuantisedRow& x, std::int64_t first, int n_tiles,
                               TokenScales<L>& out) {
  const auto mask = static_cast<__mmask8>((1u << n_tiles) - 1);
  _mm256_store_ps(out.scale, _mm256_maskz_loadu_ps(mask, x.main.scale + first));
  if constexpr (L::kHasMin && L::kGroups == 1) {
    _mm256_store_ps(out.sum, _mm256_maskz_loadu_ps(mask, x.scaled_sum + first));
  } else if constexpr (L::kHasMin) {
    const auto both = static_cast<__mmask16>((1u << 2 * n_tiles) - 1);
    const __m256i sums = _mm256_maskz_loadu_epi16(both, x.main.sum + 2 * first);
    _mm512_storeu_ps(out.sum, _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(sums)));
  }
}

}  // namespace tinyllm::amx

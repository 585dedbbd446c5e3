#pragma once
// A panel of quantised weights times one token: decoding reads every weight once for this, so the
// speed is that of memory. One linear stream, nothing stored on the way.

#include "base/fetch_ahead.h"
#include "kernels/cpu/avx512/panel_formats.h"

namespace tinyllm::avx512 {

// acc[half] += one tile's part of one plane. dots: [half][group].
template <typename L, bool kResidual>
static inline void add_dots(const byte* header, const byte* tile, const QuantPlane& x,
                            const float* scaled_sum, std::int64_t t,
                            const __m512i (&dots)[2][L::kGroups], __m512 (&acc)[2]) {
  const __m512 x_scale = _mm512_set1_ps(x.scale[t]);
  for (int half = 0; half < 2; ++half) {
    for (int g = 0; g < L::kGroups; ++g) {
      const __m512 scale = _mm512_mul_ps(load_scale<L>(header, tile, half, g), x_scale);
      acc[half] = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(dots[half][g]), acc[half]);
      if constexpr (L::kHasMin && L::kGroup == 16) {
        const __m512 min = _mm512_mul_ps(load_min<L>(header, tile, half, g), x_scale);
        const __m512 sum = _mm512_set1_ps(static_cast<float>(x.sum[2 * t + g]));
        acc[half] = _mm512_fnmadd_ps(min, sum, acc[half]);
      } else if constexpr (L::kHasMin && !kResidual) {
        acc[half] = _mm512_fnmadd_ps(load_min<L>(header, tile, half, g),
                                     _mm512_set1_ps(scaled_sum[t]), acc[half]);
      }
    }
  }
}

// The dots of a tile with one plane of activations, or with both.
template <typename L, int kPlanes>
static inline void tile_dots(const byte* tile, const QuantPlane* const* planes, std::int64_t t,
                             __m512i (&dots)[kPlanes][2][L::kGroups]) {
  for (int half = 0; half < 2; ++half) {
    __m512i lines[8];
    unpack_half<L>(tile + L::kQuantsBegin + half * L::kHalfBytes, lines);
    for (int p = 0; p < kPlanes; ++p) {
      const std::int8_t* q = planes[p]->q + kTileCols * t;
      // Two sums at a time: each waits for its own last result.
      __m512i first = begin_sum<L>(planes[p]->sum + 2 * t, 0);
      __m512i second =
          L::kGroups == 2 ? begin_sum<L>(planes[p]->sum + 2 * t, 1) : _mm512_setzero_si512();
      for (int i = 0; i < 4; ++i) {
        first = _mm512_dpbusd_epi32(first, lines[i], repeat_4_bytes(q + 4 * i));
        second = _mm512_dpbusd_epi32(second, lines[4 + i], repeat_4_bytes(q + 16 + 4 * i));
      }
      if constexpr (L::kGroups == 2) {
        dots[p][half][0] = first;
        dots[p][half][1] = second;
      } else {
        dots[p][half][0] = _mm512_add_epi32(first, second);
      }
    }
  }
}

// One tile: acc += the main plane; the residual's dots are kept for later when there is one.
template <typename L, int kPlanes>
static inline void add_tile(const byte* header, const byte* tile, const QuantisedRow& x,
                            std::int64_t t, __m512i (*residual)[L::kGroups], __m512 (&acc)[2]) {
  const QuantPlane* planes[2] = {&x.main, &x.residual};
  __m512i dots[kPlanes][2][L::kGroups];
  tile_dots<L, kPlanes>(tile, planes, t, dots);
  add_dots<L, false>(header, tile, x.main, x.scaled_sum, t, dots[0], acc);
  if constexpr (kPlanes == 2) {
    for (int half = 0; half < 2; ++half) {
      for (int g = 0; g < L::kGroups; ++g) residual[half][g] = dots[1][half][g];
    }
  }
}

template <typename L>
static void panel_times_one(const byte* panel, std::int64_t k, const QuantisedRow& x, float* y) {
  __m512 acc[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  const std::int64_t n_tiles = k / kTileCols;
  const byte* header = panel;
  for (std::int64_t first = 0; first < n_tiles; first += kSuperTiles) {
    const byte* tiles = header + L::kHeaderBytes;
    const int n = static_cast<int>(n_tiles - first < kSuperTiles ? n_tiles - first : kSuperTiles);
    const unsigned split = x.split[first / kSuperTiles];
    __m512i residual[kSuperTiles][2][L::kGroups];
    for (int i = 0; i < n; ++i) {
      const byte* tile = tiles + i * L::kTileBytes;
      for (int line = 0; line < L::kTileBytes; line += 64)
        _mm_prefetch(reinterpret_cast<const char*>(tile) + kFetchAhead + line, _MM_HINT_T0);
      if ((split >> i & 1u) != 0) {
        add_tile<L, 2>(header, tile, x, first + i, residual[i], acc);
      } else {
        add_tile<L, 1>(header, tile, x, first + i, nullptr, acc);
      }
    }
    for (int i = 0; i < n; ++i) {
      if ((split >> i & 1u) == 0) continue;
      add_dots<L, true>(header, tiles + i * L::kTileBytes, x.residual, x.scaled_sum, first + i,
                        residual[i], acc);
    }
    header = tiles + n * L::kTileBytes;
  }
  _mm512_storeu_ps(y, acc[0]);
  _mm512_storeu_ps(y + 16, acc[1]);
}

}  // namespace tinyllm::avx512

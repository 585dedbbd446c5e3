#pragma once
// A panel of quantised weights times several tokens: prefill and batches. Each super-block of 8
// tiles is unpacked once, to bytes and f32 scales that stay in L1, and then swept by all tokens, 32
// rows x 6 tokens at a time. The operations on a row and their order are those of one_token.h.

#include "kernels/cpu/avx512/panel_formats.h"

namespace tinyllm::avx512 {

template <typename L>
struct alignas(64) UnpackedTile {
  byte quants[2][8][64];  // [half][4 columns][16 rows][4], unsigned
  float scale[L::kGroups][kTileRows];
  float min[L::kGroups][kTileRows];
};

template <typename L>
static inline void unpack_tile(const byte* header, const byte* tile, UnpackedTile<L>& out) {
  for (int half = 0; half < 2; ++half) {
    __m512i lines[8];
    unpack_half<L>(tile + L::kQuantsBegin + half * L::kHalfBytes, lines);
    for (int i = 0; i < 8; ++i) _mm512_store_si512(out.quants[half][i], lines[i]);
    for (int g = 0; g < L::kGroups; ++g) {
      _mm512_store_ps(out.scale[g] + 16 * half, load_scale<L>(header, tile, half, g));
      if constexpr (L::kHasMin)
        _mm512_store_ps(out.min[g] + 16 * half, load_min<L>(header, tile, half, g));
    }
  }
}

// Into the L1 cache. (GCC 12 takes a loop of _mm_prefetch for one without effect and drops it.)
static inline void prefetch(const byte* from, int n_bytes) {
  for (int line = 0; line < n_bytes; line += 64) asm volatile("prefetcht0 %0" : : "m"(from[line]));
}

// Keeps the compiler from moving additions past each other: it would need more registers than there
// are and spill the sums.
static inline void pin(__m512i& v) { asm volatile("" : "+v"(v)); }

// Tokens that go through the tiles together. Their sums are 12 registers of int32 and 12 of f32;
// beside them are 2 of weights and one of activations.
inline constexpr int kSweptTokens = 6;

template <typename L, bool kResidual, int kTokens>
[[gnu::always_inline]] static inline void sweep_tile(const UnpackedTile<L>& w, std::int64_t tile,
                                                     const PanelToken (&x)[kTokens],
                                                     __m512 (&acc)[kTokens][2]) {
  constexpr int kLines = 8 / L::kGroups;
#pragma GCC unroll 2
  for (int g = 0; g < L::kGroups; ++g) {
    __m512i dots[kTokens][2];
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t)
      dots[t][0] = dots[t][1] = begin_sum<L>(x[t].sum + 2 * tile, g);
#pragma GCC unroll 8
    for (int i = kLines * g; i < kLines * (g + 1); ++i) {
      const __m512i rows_0 = load(w.quants[0][i]), rows_1 = load(w.quants[1][i]);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) {
        const __m512i x_4 = repeat_4_bytes(x[t].q + kTileCols * tile + 4 * i);
        dots[t][0] = _mm512_dpbusd_epi32(dots[t][0], rows_0, x_4);
        dots[t][1] = _mm512_dpbusd_epi32(dots[t][1], rows_1, x_4);
        pin(dots[t][0]);
        pin(dots[t][1]);
      }
    }
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      const __m512 x_scale = _mm512_set1_ps(x[t].scale[tile]);
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        const __m512 scale = _mm512_mul_ps(_mm512_load_ps(w.scale[g] + 16 * half), x_scale);
        acc[t][half] = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(dots[t][half]), acc[t][half]);
        if constexpr (L::kHasMin && L::kGroup == 16) {
          const __m512 min = _mm512_mul_ps(_mm512_load_ps(w.min[g] + 16 * half), x_scale);
          const auto sum = static_cast<float>(x[t].sum[2 * tile + g]);
          acc[t][half] = _mm512_fnmadd_ps(min, _mm512_set1_ps(sum), acc[t][half]);
        } else if constexpr (L::kHasMin && !kResidual) {
          acc[t][half] = _mm512_fnmadd_ps(_mm512_load_ps(w.min[g] + 16 * half),
                                          _mm512_set1_ps(x[t].scaled_sum[tile]), acc[t][half]);
        }
      }
    }
  }
}

// ahead: the tiles that the next sweep needs, to be fetched during this one; nullptr: none.
template <typename L, bool kResidual, int kTokens>
static void sweep(const UnpackedTile<L>* tiles, int n_tiles, std::int64_t first_tile,
                  const PanelToken* tokens, const byte* ahead) {
  PanelToken x[kTokens];
  __m512 acc[kTokens][2];
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
    x[t] = tokens[t];
    for (int half = 0; half < 2; ++half) acc[t][half] = _mm512_loadu_ps(x[t].y + 16 * half);
  }
  for (int i = 0; i < n_tiles; ++i) {
    if (ahead != nullptr) prefetch(ahead + i * L::kTileBytes, L::kTileBytes);
    sweep_tile<L, kResidual, kTokens>(tiles[i], first_tile + i, x, acc);
  }
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
    for (int half = 0; half < 2; ++half) _mm512_storeu_ps(x[t].y + 16 * half, acc[t][half]);
  }
}

template <typename L, bool kResidual>
static inline void sweep_tokens(const UnpackedTile<L>* tiles, int n_tiles, std::int64_t first_tile,
                                const PanelToken* x, std::int64_t n_tokens,
                                const byte* ahead = nullptr) {
  std::int64_t t = 0;
  for (; n_tokens - t >= kSweptTokens; t += kSweptTokens, ahead = nullptr)
    sweep<L, kResidual, kSweptTokens>(tiles, n_tiles, first_tile, x + t, ahead);
  if (n_tokens - t >= 4) {
    sweep<L, kResidual, 4>(tiles, n_tiles, first_tile, x + t, ahead);
    t += 4;
    ahead = nullptr;
  }
  if (n_tokens - t >= 2) {
    sweep<L, kResidual, 2>(tiles, n_tiles, first_tile, x + t, ahead);
    t += 2;
    ahead = nullptr;
  }
  if (n_tokens - t >= 1) sweep<L, kResidual, 1>(tiles, n_tiles, first_tile, x + t, ahead);
}

template <typename L>
static void panel_times_many(const byte* panel, std::int64_t k, const QuantisedRow* x,
                             const Residuals& residuals, std::int64_t n_tokens, float* y,
                             std::int64_t y_stride) {
  PanelToken main[kMaxPanelTokens], rest[kMaxPanelTokens];
  begin_tokens(x, n_tokens, y, y_stride, main);
  UnpackedTile<L> tiles[kSuperTiles];
  const std::int64_t n_tiles = k / kTileCols;
  for (std::int64_t first = 0; first < n_tiles; first += kSuperTiles) {
    const byte* header = panel + first / kSuperTiles * L::kHeaderBytes + first * L::kTileBytes;
    const byte* tile = header + L::kHeaderBytes;
    const int n = static_cast<int>(n_tiles - first < kSuperTiles ? n_tiles - first : kSuperTiles);
    for (int i = 0; i < n; ++i) unpack_tile<L>(header, tile + i * L::kTileBytes, tiles[i]);
    const byte* ahead = tile + n * L::kTileBytes;  // the next super-block, or the next panel
    sweep_tokens<L, false>(tiles, n, first, main, n_tokens, ahead);
    for (int i = 0; i < n; ++i) {
      const std::int64_t n_split = residual_tokens(residuals, first + i, main, rest);
      sweep_tokens<L, true>(tiles + i, 1, 0, rest, n_split);
    }
  }
}

}  // namespace tinyllm::avx512

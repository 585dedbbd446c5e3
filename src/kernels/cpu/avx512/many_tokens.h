#pragma once
// A panel of quantised weights times several tokens: prefill and batches. Each super-block of 8
// tiles is unpacked once, to bytes and f32 scales that stay in L1, and then swept by all tokens, 32
// rows x 8 tokens at a time: 16 int32 sums, 2 registers of weights, one of activations. The f32
// sums live in y between tiles. The operations on a row and their order are those of one_token.h.

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

// Into the first-level cache. (GCC 12 takes a loop of _mm_prefetch for one without effect and drops
// it.)
static inline void prefetch(const byte* from, int n_bytes) {
  for (int line = 0; line < n_bytes; line += 64) asm volatile("prefetcht0 %0" : : "m"(from[line]));
}

// Tokens that go through a tile together, and where their sums stand ([32] f32 each).
template <int kTokens>
struct Pass {
  const QuantPlane* plane[kTokens];
  const float* scaled_sum[kTokens];
  float* y[kTokens];
};

// Keeps the compiler from moving additions past each other: it would need more registers than there
// are and spill the sums.
static inline void pin(__m512i& v) { asm volatile("" : "+v"(v)); }

template <typename L, bool kResidual, int kTokens>
static inline void sweep_tile(const UnpackedTile<L>& w, std::int64_t tile,
                              const Pass<kTokens>& pass) {
  const std::int8_t* q[kTokens];
  for (int t = 0; t < kTokens; ++t) q[t] = pass.plane[t]->q + kTileCols * tile;
  constexpr int kLines = 8 / L::kGroups;
#pragma GCC unroll 2
  for (int g = 0; g < L::kGroups; ++g) {
    __m512i dots[kTokens][2];
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t)
      dots[t][0] = dots[t][1] = begin_sum<L>(pass.plane[t]->sum + 2 * tile, g);
#pragma GCC unroll 8
    for (int i = kLines * g; i < kLines * (g + 1); ++i) {
      const __m512i rows_0 = load(w.quants[0][i]), rows_1 = load(w.quants[1][i]);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) {
        const __m512i x = repeat_4_bytes(q[t] + 4 * i);
        dots[t][0] = _mm512_dpbusd_epi32(dots[t][0], rows_0, x);
        dots[t][1] = _mm512_dpbusd_epi32(dots[t][1], rows_1, x);
        pin(dots[t][0]);
        pin(dots[t][1]);
      }
    }
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      const __m512 x_scale = _mm512_set1_ps(pass.plane[t]->scale[tile]);
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        float* place = pass.y[t] + 16 * half;
        const __m512 scale = _mm512_mul_ps(_mm512_load_ps(w.scale[g] + 16 * half), x_scale);
        __m512 acc = _mm512_loadu_ps(place);
        acc = _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(dots[t][half]), acc);
        if constexpr (L::kHasMin && L::kGroup == 16) {
          const __m512 min = _mm512_mul_ps(_mm512_load_ps(w.min[g] + 16 * half), x_scale);
          const auto sum = static_cast<float>(pass.plane[t]->sum[2 * tile + g]);
          acc = _mm512_fnmadd_ps(min, _mm512_set1_ps(sum), acc);
        } else if constexpr (L::kHasMin && !kResidual) {
          acc = _mm512_fnmadd_ps(_mm512_load_ps(w.min[g] + 16 * half),
                                 _mm512_set1_ps(pass.scaled_sum[t][tile]), acc);
        }
        _mm512_storeu_ps(place, acc);
      }
    }
  }
}

// ahead: where the tiles stand that the next sweep needs, to be fetched during this one; or
// nullptr.
template <typename L, bool kResidual, int kTokens>
static void sweep(const UnpackedTile<L>* tiles, int n_tiles, std::int64_t first_tile,
                  const QuantisedRow* const* x, float* const* y, const byte* ahead) {
  Pass<kTokens> pass;
  for (int t = 0; t < kTokens; ++t) {
    pass.plane[t] = kResidual ? &x[t]->residual : &x[t]->main;
    pass.scaled_sum[t] = x[t]->scaled_sum;
    pass.y[t] = y[t];
  }
  for (int i = 0; i < n_tiles; ++i) {
    if (ahead != nullptr) prefetch(ahead + i * L::kTileBytes, L::kTileBytes);
    sweep_tile<L, kResidual, kTokens>(tiles[i], first_tile + i, pass);
  }
}

template <typename L, bool kResidual>
static inline void sweep_tokens(const UnpackedTile<L>* tiles, int n_tiles, std::int64_t first_tile,
                                const QuantisedRow* const* x, std::int64_t n_tokens,
                                float* const* y, const byte* ahead = nullptr) {
  std::int64_t t = 0;
  for (; n_tokens - t >= 8; t += 8, ahead = nullptr)
    sweep<L, kResidual, 8>(tiles, n_tiles, first_tile, x + t, y + t, ahead);
  if (n_tokens - t >= 4) {
    sweep<L, kResidual, 4>(tiles, n_tiles, first_tile, x + t, y + t, ahead);
    t += 4;
    ahead = nullptr;
  }
  if (n_tokens - t >= 2) {
    sweep<L, kResidual, 2>(tiles, n_tiles, first_tile, x + t, y + t, ahead);
    t += 2;
    ahead = nullptr;
  }
  if (n_tokens - t >= 1) sweep<L, kResidual, 1>(tiles, n_tiles, first_tile, x + t, y + t, ahead);
}

// The residual planes of the tiles of one super-block, tile by tile, for the tokens that have one.
// split: of these tiles.
template <typename L>
static inline void sweep_residuals(const UnpackedTile<L>* tiles, int n_tiles,
                                   std::int64_t first_tile, const QuantisedRow* const* x,
                                   const SplitTokens* split, std::int64_t n_tokens,
                                   float* const* y) {
  std::int64_t n_split = 0;
  for (int i = 0; i < n_tiles; ++i) n_split += count_tokens(split[i]);
  if (n_split == n_tiles * n_tokens)  // a matrix whose activations are all split
    return sweep_tokens<L, true>(tiles, n_tiles, first_tile, x, n_tokens, y);
  for (int i = 0; i < n_tiles && n_split > 0; ++i) {
    const QuantisedRow* rows[kMaxPanelTokens];
    float* sums[kMaxPanelTokens];
    const std::int64_t n = gather_tokens(split[i], x, y, rows, sums);
    sweep_tokens<L, true>(tiles + i, 1, first_tile + i, rows, n, sums);
    n_split -= n;
  }
}

template <typename L>
static void panel_times_many(const byte* panel, std::int64_t k, const QuantisedRow* x,
                             const SplitTokens* split, std::int64_t n_tokens, float* y,
                             std::int64_t y_stride) {
  const QuantisedRow* rows[kMaxPanelTokens];
  float* sums[kMaxPanelTokens];
  for (std::int64_t t = 0; t < n_tokens; ++t) {
    rows[t] = x + t;
    sums[t] = y + t * y_stride;
    _mm512_storeu_ps(sums[t], _mm512_setzero_ps());
    _mm512_storeu_ps(sums[t] + 16, _mm512_setzero_ps());
  }
  UnpackedTile<L> tiles[kSuperTiles];
  const std::int64_t n_tiles = k / kTileCols;
  for (std::int64_t first = 0; first < n_tiles; first += kSuperTiles) {
    const byte* header = panel + first / kSuperTiles * L::kHeaderBytes + first * L::kTileBytes;
    const byte* tile = header + L::kHeaderBytes;
    const int n = static_cast<int>(n_tiles - first < kSuperTiles ? n_tiles - first : kSuperTiles);
    for (int i = 0; i < n; ++i) unpack_tile<L>(header, tile + i * L::kTileBytes, tiles[i]);
    const byte* ahead = tile + n * L::kTileBytes;  // the next super-block, or the next panel
    sweep_tokens<L, false>(tiles, n, first, rows, n_tokens, sums, ahead);
    sweep_residuals<L>(tiles, n, first, rows, split + first, n_tokens, sums);
  }
}

}  // namespace tinyllm::avx512

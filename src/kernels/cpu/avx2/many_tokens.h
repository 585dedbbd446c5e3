#pragma once
// A panel of quantised weights times several tokens: prefill and batches. Each super-block of 8
// tiles is unpacked once and then swept by all tokens, 16 rows x 3 tokens at a time: 6 int16 sums,
// 6 f32 sums, 2 registers of weights, one of activations and one product fill the 16 registers.
// Where rows have super-scales, f32 sums are in units of these through a super-block: whole scales
// go into the integer dots, so a tile costs no product of scales. The operations on a row and their
// order are those of one_token.h.

#include "kernels/cpu/avx2/unpacked_block.h"

namespace tinyllm::avx2 {

// Products of kLines lines from `first` on, added in int16.
template <int kLines, int kTokens, typename L>
static inline void add_products(const UnpackedTile<L>& w, int half, int first,
                                const std::int8_t* const* q, __m256i (&sums)[kTokens][2]) {
#pragma GCC unroll 8
  for (int i = 0; i < kLines; ++i) {
    const byte* line = w.quants[half][first + i];
    const __m256i rows_0 = load(line), rows_1 = load(line + 32);
#pragma GCC unroll 3
    for (int t = 0; t < kTokens; ++t) {
      const __m256i x = repeat_4_bytes(q[t] + 4 * (first + i));
      const __m256i product_0 = _mm256_maddubs_epi16(rows_0, x);
      const __m256i product_1 = _mm256_maddubs_epi16(rows_1, x);
      sums[t][0] = i == 0 ? product_0 : _mm256_add_epi16(sums[t][0], product_0);
      sums[t][1] = i == 0 ? product_1 : _mm256_add_epi16(sums[t][1], product_1);
      pin(sums[t][0]);
      pin(sums[t][1]);
    }
  }
}

// Int32 dots of one tile's half with kTokens tokens, less the offset; with kSuper they are already
// multiplied with the groups' whole scales.
template <typename L, int kTokens>
[[gnu::always_inline]] static inline void half_dots(const UnpackedTile<L>& w, int half,
                                                    const std::int8_t* const* q,
                                                    const std::int16_t* const* x_sum,
                                                    __m256i (&dots)[kTokens][2]) {
  const auto add_pairs_of = [&](__m256i sums, int group, int r) {
    if constexpr (!L::kSuper) return add_pairs(sums);
    return _mm256_madd_epi16(sums, load(w.scale[group] + 64 * half + 32 * r));
  };
  if constexpr (L::kQuant == Quant::nibbles && L::kGroup == 32) {
    add_products<8, kTokens>(w, half, 0, q, dots);
    for (int t = 0; t < kTokens; ++t) {
      for (int r = 0; r < 2; ++r) dots[t][r] = add_pairs_of(dots[t][r], 0, r);
    }
  } else if constexpr (L::kQuant == Quant::full_signed) {
    for (int t = 0; t < kTokens; ++t) dots[t][0] = dots[t][1] = _mm256_setzero_si256();
#pragma GCC unroll 1  // else g++ keeps repeated activations on the stack
    for (int i = 0; i < 8; ++i) {
#pragma GCC unroll 2
      for (int odd = 0; odd < 2; ++odd) {
        const byte* line = w.quants[half][2 * i + odd];
        const __m256i rows_0 = load(line), rows_1 = load(line + 32);
#pragma GCC unroll 3
        for (int t = 0; t < kTokens; ++t) {
          const __m256i x = repeat_4_bytes(q[t] + 32 * odd + 4 * i);
          dots[t][0] = _mm256_add_epi32(dots[t][0], _mm256_madd_epi16(rows_0, x));
          pin(dots[t][0]);
          dots[t][1] = _mm256_add_epi32(dots[t][1], _mm256_madd_epi16(rows_1, x));
          pin(dots[t][1]);
        }
      }
    }
  } else {
    constexpr int kLines = L::kQuant == Quant::six_bits ? 2 : 4;  // what int16 can hold
    for (int first = 0; first < 8; first += kLines) {
      __m256i sums[kTokens][2];
      add_products<kLines, kTokens>(w, half, first, q, sums);
      for (int t = 0; t < kTokens; ++t) {
        for (int r = 0; r < 2; ++r) {
          const __m256i wide = add_pairs_of(sums[t][r], first / 4 * (L::kGroups - 1), r);
          dots[t][r] = first == 0 ? wide : _mm256_add_epi32(dots[t][r], wide);
        }
      }
    }
  }
  if constexpr (L::kOffset != 0) {
    for (int t = 0; t < kTokens; ++t) {
      for (int r = 0; r < 2; ++r) {
        const __m256i offsets =
            L::kGroup == 16 ? load(w.min + 64 * half + 32 * r) : _mm256_set1_epi16(L::kOffset);
        dots[t][r] =
            _mm256_sub_epi32(dots[t][r], _mm256_madd_epi16(repeat_4_bytes(x_sum[t]), offsets));
      }
    }
  }
}

// 32 activations as int16, in the order of full_signed quants: the even columns, then the odd ones.
using WideTile = std::int8_t[64];

// Tokens that go through a tile together.
inline constexpr int kPassTokens = 3;

// The f32 sums of 16 rows, and where they stand between tiles.
template <int kTokens>
using Sums = __m256[kTokens][2];

template <int kTokens>
static inline void load_sums(float* const* from, Sums<kTokens>& sums) {
#pragma GCC unroll 3
  for (int t = 0; t < kTokens; ++t) {
    for (int r = 0; r < 2; ++r) sums[t][r] = _mm256_loadu_ps(from[t] + 8 * r);
  }
}

template <int kTokens>
static inline void store_sums(const Sums<kTokens>& sums, float* const* to) {
#pragma GCC unroll 3
  for (int t = 0; t < kTokens; ++t) {
    for (int r = 0; r < 2; ++r) _mm256_storeu_ps(to[t] + 8 * r, sums[t][r]);
  }
}

// Into the L1 cache. (GCC 12 takes a loop of _mm_prefetch for one without effect and drops it.)
static inline void prefetch(const byte* from, int n_bytes) {
  for (int line = 0; line < n_bytes; line += 64) asm volatile("prefetcht0 %0" : : "m"(from[line]));
}

// sums += what one tile adds to a half's 16 rows. kInUnits: in units of the rows' super-scales.
template <typename L, bool kResidual, bool kInUnits, int kTokens>
[[gnu::always_inline]] static inline void add_tile_sums(const UnpackedBlock<L>& w, int i, int half,
                                                        const PanelToken* x, std::int64_t x_tile,
                                                        const __m256i (&dots)[kTokens][2],
                                                        Sums<kTokens>& sums) {
#pragma GCC unroll 3
  for (int t = 0; t < kTokens; ++t) {
    const __m256 x_scale = _mm256_broadcast_ss(x[t].scale + x_tile);
#pragma GCC unroll 2
    for (int r = 0; r < 2; ++r) {
      const int row = 16 * half + 8 * r;
      __m256 scale = x_scale;
      if constexpr (!kInUnits) {
        scale = _mm256_mul_ps(
            L::kSuper ? _mm256_load_ps(w.scale + row) : load_floats(w.tiles[i].scale[0] + 4 * row),
            x_scale);
      }
      sums[t][r] = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(dots[t][r]), sums[t][r]);
      if constexpr (L::kHasMin && !L::kSuper && !kResidual) {
        sums[t][r] = _mm256_fnmadd_ps(load_floats(w.tiles[i].min + 4 * row),
                                      _mm256_broadcast_ss(x[t].scaled_sum + x_tile), sums[t][r]);
      } else if constexpr (L::kHasMin && L::kGroup == 16 && kResidual) {
        const __m256 min = _mm256_mul_ps(_mm256_load_ps(w.min + row), x_scale);
        sums[t][r] = _mm256_fnmadd_ps(
            min, group_mins(x[t].sum + 2 * x_tile, load(w.tiles[i].min + 4 * row)), sums[t][r]);
      }
      pin(sums[t][r]);
    }
  }
}

// sums -= the mins of a super-block's n tiles times the tokens' sums, for a half's 16 rows.
template <typename L, int kTokens>
[[gnu::always_inline]] static inline void subtract_mins(const UnpackedBlock<L>& w, int n, int half,
                                                        const PanelToken* x, std::int64_t x_tile,
                                                        Sums<kTokens>& sums) {
  Sums<kTokens> mins;
  for (int t = 0; t < kTokens; ++t) mins[t][0] = mins[t][1] = _mm256_setzero_ps();
  for (int i = 0; i < n; ++i) {
#pragma GCC unroll 3
    for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 2
      for (int r = 0; r < 2; ++r) {
        const byte* min = w.tiles[i].min + 64 * half + 32 * r;
        const std::int64_t at = x_tile + i;
        mins[t][r] = L::kGroup == 32
                         ? _mm256_fmadd_ps(load_floats(min),
                                           _mm256_broadcast_ss(x[t].scaled_sum + at), mins[t][r])
                         : _mm256_fmadd_ps(group_mins(x[t].sum + 2 * at, load(min)),
                                           _mm256_broadcast_ss(x[t].scale + at), mins[t][r]);
      }
    }
  }
#pragma GCC unroll 3
  for (int t = 0; t < kTokens; ++t) {
    for (int r = 0; r < 2; ++r) {
      const __m256 scale = _mm256_load_ps(w.min + 16 * half + 8 * r);
      sums[t][r] = _mm256_fnmadd_ps(scale, mins[t][r], sums[t][r]);
    }
  }
}

// y's 16 sums of a half += n_tiles tiles of a super-block, from `begin` on, times kTokens tokens'
// tiles from x_tile on. ahead: where the tiles stand that the next sweep needs, to be fetched
// during this one; or nullptr. wide: [kTokens][n_tiles], the activations of full_signed.
template <typename L, bool kResidual, int kTokens>
[[gnu::always_inline]] static inline void sweep(const UnpackedBlock<L>& w, int begin, int n_tiles,
                                                int half, const PanelToken* x, std::int64_t x_tile,
                                                const byte* ahead,
                                                const WideTile (*wide)[kSuperTiles]) {
  // Formats that add parts of a dot in int32 have no registers left: their sums wait in memory.
  constexpr bool kKeepSums =
      L::kQuant == Quant::full_signed || (L::kQuant == Quant::nibbles && L::kGroup == 32);
  constexpr bool kInUnits = L::kSuper && !kResidual;
  float *y[kTokens], *waiting[kTokens];
  alignas(32) float in_units[kTokens][16] = {};
#pragma GCC unroll 3
  for (int t = 0; t < kTokens; ++t) {
    y[t] = x[t].y + 16 * half;
    waiting[t] = kInUnits ? in_units[t] : y[t];
  }
  Sums<kTokens> sums;
  load_sums<kTokens>(waiting, sums);
  for (int i = 0; i < n_tiles; ++i) {
    if (ahead != nullptr) {
      const int n_bytes = (L::kTileBytes + 64) / 128 * 64;  // about a half
      prefetch(ahead + i * L::kTileBytes + half * n_bytes, n_bytes);
    }
    const std::int8_t* q[kTokens];
    const std::int16_t* x_sum[kTokens];
#pragma GCC unroll 3
    for (int t = 0; t < kTokens; ++t) {
      if constexpr (L::kQuant == Quant::full_signed) {
        q[t] = wide[t][i];
      } else {
        q[t] = x[t].q + kTileCols * (x_tile + i);
      }
      x_sum[t] = x[t].sum + 2 * (x_tile + i);
    }
    __m256i dots[kTokens][2];
    half_dots<L, kTokens>(w.tiles[begin + i], half, q, x_sum, dots);
    if constexpr (!kKeepSums) load_sums<kTokens>(waiting, sums);
    add_tile_sums<L, kResidual, kInUnits, kTokens>(w, begin + i, half, x, x_tile + i, dots, sums);
    if constexpr (!kKeepSums) store_sums<kTokens>(sums, waiting);
  }
  if constexpr (kInUnits) {
    for (int t = 0; t < kTokens; ++t) {
      for (int r = 0; r < 2; ++r) {
        const __m256 scale = _mm256_load_ps(w.scale + 16 * half + 8 * r);
        sums[t][r] = _mm256_fmadd_ps(scale, sums[t][r], _mm256_loadu_ps(y[t] + 8 * r));
      }
    }
    if constexpr (L::kHasMin) subtract_mins<L, kTokens>(w, n_tiles, half, x, x_tile, sums);
  }
  store_sums<kTokens>(sums, y);
}

template <typename L, bool kResidual, int kTokens>
static void sweep_rows(const UnpackedBlock<L>& w, int begin, int n_tiles, const PanelToken* x,
                       std::int64_t x_tile, const byte* ahead) {
  constexpr bool kWide = L::kQuant == Quant::full_signed;
  alignas(64) WideTile wide[kTokens][kSuperTiles];
  for (int t = 0; kWide && t < kTokens; ++t) {
    for (int i = 0; i < n_tiles; ++i) {
      const __m256i q = load(reinterpret_cast<const byte*>(x[t].q + kTileCols * (x_tile + i)));
      store(wide[t][i], widen_even(q));
      store(wide[t][i] + 32, widen_odd(q));
    }
  }
  for (int half = 0; half < 2; ++half)
    sweep<L, kResidual, kTokens>(w, begin, n_tiles, half, x, x_tile, ahead, wide);
}

// Any number of tokens in passes of nearly equal width: 4 are 2 + 2, not 3 + 1.
template <typename L, bool kResidual>
static inline void sweep_tokens(const UnpackedBlock<L>& w, int begin, int n_tiles,
                                const PanelToken* x, std::int64_t x_tile, std::int64_t n_tokens,
                                const byte* ahead = nullptr) {
  for (std::int64_t t = 0; t < n_tokens; ahead = nullptr) {
    const std::int64_t left = n_tokens - t, n_passes = (left + kPassTokens - 1) / kPassTokens;
    const std::int64_t width = (left + n_passes - 1) / n_passes;
    switch (width) {
      case 1: sweep_rows<L, kResidual, 1>(w, begin, n_tiles, x + t, x_tile, ahead); break;
      case 2: sweep_rows<L, kResidual, 2>(w, begin, n_tiles, x + t, x_tile, ahead); break;
      default: sweep_rows<L, kResidual, 3>(w, begin, n_tiles, x + t, x_tile, ahead); break;
    }
    t += width;
  }
}

template <typename L>
static void panel_times_many(const byte* panel, std::int64_t k, const QuantisedRow* x,
                             const Residuals& residuals, std::int64_t n_tokens, float* y,
                             std::int64_t y_stride) {
  PanelToken main[kMaxPanelTokens], rest[kMaxPanelTokens];
  begin_tokens(x, n_tokens, y, y_stride, main);
  UnpackedBlock<L> block;
  const std::int64_t n_tiles = k / kTileCols;
  for (std::int64_t first = 0; first < n_tiles; first += kSuperTiles) {
    const byte* header = panel + first / kSuperTiles * L::kHeaderBytes + first * L::kTileBytes;
    const int n = static_cast<int>(n_tiles - first < kSuperTiles ? n_tiles - first : kSuperTiles);
    unpack_block<L>(header, n, block);
    // The next super-block, or the next panel.
    const byte* ahead = header + L::kHeaderBytes + n * L::kTileBytes;
    sweep_tokens<L, false>(block, 0, n, main, first, n_tokens, ahead);
    for (int i = 0; i < n; ++i) {
      const std::int64_t n_split = residual_tokens(residuals, first + i, main, rest);
      sweep_tokens<L, true>(block, i, 1, rest, 0, n_split);
    }
  }
}

}  // namespace tinyllm::avx2

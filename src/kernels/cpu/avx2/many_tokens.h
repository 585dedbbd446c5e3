#pragma once
// A panel of quantised weights times several tokens: prefill and batches. Each super-block of 8
// tiles is unpacked once, to bytes and f32 scales that stay in L1, and then swept by all tokens, 16
// rows x 3 tokens at a time: 6 int16 sums, 6 f32 sums, 2 registers of weights, one of activations
// and one product fill the 16 registers. The operations on a row and their order are those of
// one_token.h.

#include "kernels/cpu/avx2/panel_formats.h"

namespace tinyllm::avx2 {

template <typename L>
struct UnpackedTile {
  static constexpr int kLines = L::kQuant == Quant::full_signed ? 16 : 8;
  // [half][4 columns][16 rows][4]. full_signed: lines 2 i and 2 i + 1 hold columns 4 i and 4 i + 2,
  // 4 i + 1 and 4 i + 3 as int16, [16 rows][2].
  alignas(64) byte quants[2][kLines][64];
  // Groups of 32: the product of scales. Groups of 16: the row's super-scale.
  alignas(64) float scale[kTileRows];
  alignas(64) float min[kTileRows];
  // Groups of 16: the int8 group scales as int16 pairs (s0, s0), (s1, s1); (s0, s1) times the
  // offset, or the group mins (m0, m1).
  alignas(64) std::int16_t group_scale[2][2 * kTileRows];
  alignas(64) std::int16_t group_sum[2 * kTileRows];
};

static inline void store(void* at, __m256i v) { _mm256_store_si256(static_cast<__m256i*>(at), v); }

// Bytes 0 and 2 of each lane, and 1 and 3, as int16.
static inline __m256i widen_even(__m256i bytes) {
  return _mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 8);
}
static inline __m256i widen_odd(__m256i bytes) { return _mm256_srai_epi16(bytes, 8); }

template <typename L>
static inline void unpack_quants(const byte* quants, UnpackedTile<L>& out) {
  for (int half = 0; half < 2; ++half) {
    const byte* from = quants + half * L::kHalfBytes;
    for (int r = 0; r < 2; ++r) {
      if constexpr (L::kQuant == Quant::nibbles) {
        for (int i = 0; i < 4; ++i) {
          const __m256i line = load(from + 64 * i + 32 * r);
          store(out.quants[half][i] + 32 * r, low_nibbles(line));
          store(out.quants[half][4 + i] + 32 * r, high_nibbles(line));
        }
      } else if constexpr (L::kQuant == Quant::six_bits) {
        for (int p = 0; p < 2; ++p) {
          const SixBits w = unpack_six_bits(from, p, r);
          for (int i = 0; i < 2; ++i) {
            store(out.quants[half][2 * p + i] + 32 * r, w.first[i]);
            store(out.quants[half][4 + 2 * p + i] + 32 * r, w.second[i]);
          }
        }
      } else if constexpr (L::kQuant == Quant::full_signed) {
        for (int i = 0; i < 8; ++i) {
          const __m256i line = load(from + 64 * i + 32 * r);
          store(out.quants[half][2 * i] + 32 * r, widen_even(line));
          store(out.quants[half][2 * i + 1] + 32 * r, widen_odd(line));
        }
      } else {
        for (int i = 0; i < 8; ++i) {
          store(out.quants[half][i] + 32 * r, load(from + 64 * i + 32 * r));
        }
      }
    }
  }
}

template <typename L>
static inline void unpack_tile(const byte* header, const byte* tile, UnpackedTile<L>& out) {
  unpack_quants<L>(tile + L::kQuantsBegin, out);
  for (int j = 0; j < 4; ++j) {
    if constexpr (L::kGroup == 32) {
      _mm256_store_ps(out.scale + 8 * j, load_scale<L>(header, tile, j));
      if constexpr (L::kHasMin) {
        _mm256_store_ps(out.min + 8 * j,
                        load_scale<L>(header + 2 * kTileRows, tile + L::kScalesBytes, j));
      }
    } else {
      _mm256_store_ps(out.scale + 8 * j, load_f16(header + 16 * j));
      const byte* first_at = tile + 8 * j;
      const __m256i first = L::kHasMin ? load_u8(first_at) : load_i8(first_at);
      const __m256i second =
          L::kHasMin ? load_u8(first_at + kTileRows) : load_i8(first_at + kTileRows);
      store(out.group_scale[0] + 16 * j, pair_of(first, first));
      store(out.group_scale[1] + 16 * j, pair_of(second, second));
      if constexpr (L::kHasMin) {
        _mm256_store_ps(out.min + 8 * j, load_f16(header + 2 * kTileRows + 16 * j));
        store(out.group_sum + 16 * j, load_group_pair<L>(tile + L::kScalesBytes, j));
      } else {
        store(out.group_sum + 16 * j, _mm256_slli_epi16(pair_of(first, second), 5));  // times 32
      }
    }
  }
}

// Keeps the compiler from moving additions past each other: it would need more registers than there
// are and spill the sums.
static inline void pin(__m256i& v) { asm volatile("" : "+x"(v)); }
static inline void pin(__m256& v) { asm volatile("" : "+x"(v)); }

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

// Int32 dots of one tile's half with kTokens tokens, offset taken off; groups of 16 already times
// their group scales.
template <typename L, int kTokens>
[[gnu::always_inline]] static inline void half_dots(const UnpackedTile<L>& w, int half,
                                                    const std::int8_t* const* q,
                                                    const std::int16_t* const* x_sum,
                                                    __m256i (&dots)[kTokens][2]) {
  const auto group_scale = [&](int g, int r) {
    return load(reinterpret_cast<const byte*>(w.group_scale[g] + 32 * half + 16 * r));
  };
  if constexpr (L::kQuant == Quant::nibbles && L::kGroup == 32) {
    add_products<8, kTokens>(w, half, 0, q, dots);
    for (int t = 0; t < kTokens; ++t) {
      for (int r = 0; r < 2; ++r) dots[t][r] = add_pairs(dots[t][r]);
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
          const __m256i wide = L::kGroup == 16
                                   ? _mm256_madd_epi16(sums[t][r], group_scale(first / 4, r))
                                   : add_pairs(sums[t][r]);
          dots[t][r] = first == 0 ? wide : _mm256_add_epi32(dots[t][r], wide);
        }
      }
    }
  }
  if constexpr (L::kOffset != 0) {
    for (int t = 0; t < kTokens; ++t) {
      for (int r = 0; r < 2; ++r) {
        const __m256i offsets =
            L::kGroup == 16 ? load(reinterpret_cast<const byte*>(w.group_sum + 32 * half + 16 * r))
                            : _mm256_set1_epi16(L::kOffset);
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

// The f32 sums of 16 rows.
template <int kTokens>
static inline void load_sums(const PanelToken* x, int row, __m256 (&acc)[kTokens][2]) {
#pragma GCC unroll 3
  for (int t = 0; t < kTokens; ++t) {
    for (int r = 0; r < 2; ++r) acc[t][r] = _mm256_loadu_ps(x[t].y + row + 8 * r);
  }
}

template <int kTokens>
static inline void store_sums(const __m256 (&acc)[kTokens][2], const PanelToken* x, int row) {
#pragma GCC unroll 3
  for (int t = 0; t < kTokens; ++t) {
    for (int r = 0; r < 2; ++r) _mm256_storeu_ps(x[t].y + row + 8 * r, acc[t][r]);
  }
}

// Into the first-level cache. (GCC 12 takes a loop of _mm_prefetch for one without effect and drops
// it.)
static inline void prefetch(const byte* from, int n_bytes) {
  for (int line = 0; line < n_bytes; line += 64) asm volatile("prefetcht0 %0" : : "m"(from[line]));
}

// The half's 16 sums of each token += rows of n_tiles tiles times kTokens tokens.
// ahead: where the tiles stand that the next sweep needs, to be fetched during this one; or
// nullptr. wide: [kTokens][n_tiles], the activations of full_signed.
template <typename L, bool kResidual, int kTokens>
[[gnu::always_inline]] static inline void sweep(const UnpackedTile<L>* tiles, int n_tiles,
                                                std::int64_t first_tile, int half,
                                                const PanelToken* x, const byte* ahead,
                                                const WideTile (*wide)[kSuperTiles]) {
  // Formats that add parts of a dot in int32 have no registers left: their sums wait in y.
  constexpr bool kKeepSums =
      L::kQuant == Quant::full_signed || (L::kQuant == Quant::nibbles && L::kGroup == 32);
  __m256 acc[kTokens][2];
  load_sums<kTokens>(x, 16 * half, acc);
  for (int i = 0; i < n_tiles; ++i) {
    if (ahead != nullptr) {
      const int n_bytes = (L::kTileBytes + 64) / 128 * 64;  // about a half
      prefetch(ahead + i * L::kTileBytes + half * n_bytes, n_bytes);
    }
    const UnpackedTile<L>& w = tiles[i];
    const std::int64_t tile = first_tile + i;
    const std::int8_t* q[kTokens];
    const std::int16_t* x_sum[kTokens];
#pragma GCC unroll 3
    for (int t = 0; t < kTokens; ++t) {
      if constexpr (L::kQuant == Quant::full_signed) {
        q[t] = wide[t][i];
      } else {
        q[t] = x[t].q + kTileCols * tile;
      }
      x_sum[t] = x[t].sum + 2 * tile;
    }
    __m256i dots[kTokens][2];
    half_dots<L, kTokens>(w, half, q, x_sum, dots);
    if constexpr (!kKeepSums) load_sums<kTokens>(x, 16 * half, acc);
#pragma GCC unroll 3
    for (int t = 0; t < kTokens; ++t) {
      const __m256 x_scale = _mm256_broadcast_ss(x[t].scale + tile);
#pragma GCC unroll 2
      for (int r = 0; r < 2; ++r) {
        const int row = 16 * half + 8 * r;
        const __m256 scale = _mm256_mul_ps(_mm256_load_ps(w.scale + row), x_scale);
        acc[t][r] = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(dots[t][r]), acc[t][r]);
        if constexpr (L::kHasMin && L::kGroup == 16) {
          const __m256i pair = load(reinterpret_cast<const byte*>(w.group_sum + 2 * row));
          const __m256i mins = _mm256_madd_epi16(repeat_4_bytes(x_sum[t]), pair);
          const __m256 min = _mm256_mul_ps(_mm256_load_ps(w.min + row), x_scale);
          acc[t][r] = _mm256_fnmadd_ps(min, _mm256_cvtepi32_ps(mins), acc[t][r]);
        } else if constexpr (L::kHasMin && !kResidual) {
          acc[t][r] = _mm256_fnmadd_ps(_mm256_load_ps(w.min + row),
                                       _mm256_broadcast_ss(x[t].scaled_sum + tile), acc[t][r]);
        }
        if constexpr (kKeepSums) pin(acc[t][r]);
      }
    }
    if constexpr (!kKeepSums) store_sums<kTokens>(acc, x, 16 * half);
  }
  if constexpr (kKeepSums) store_sums<kTokens>(acc, x, 16 * half);
}

template <typename L, bool kResidual, int kTokens>
static void sweep_rows(const UnpackedTile<L>* tiles, int n_tiles, std::int64_t first_tile,
                       const PanelToken* x, const byte* ahead) {
  constexpr bool kWide = L::kQuant == Quant::full_signed;
  alignas(64) WideTile wide[kTokens][kSuperTiles];
  for (int t = 0; kWide && t < kTokens; ++t) {
    for (int i = 0; i < n_tiles; ++i) {
      const __m256i q = load(reinterpret_cast<const byte*>(x[t].q + kTileCols * (first_tile + i)));
      store(wide[t][i], widen_even(q));
      store(wide[t][i] + 32, widen_odd(q));
    }
  }
  for (int half = 0; half < 2; ++half)
    sweep<L, kResidual, kTokens>(tiles, n_tiles, first_tile, half, x, ahead, wide);
}

// Any number of tokens in passes of nearly equal width: 4 are 2 + 2, not 3 + 1.
template <typename L, bool kResidual>
static inline void sweep_tokens(const UnpackedTile<L>* tiles, int n_tiles, std::int64_t first_tile,
                                const PanelToken* x, std::int64_t n_tokens,
                                const byte* ahead = nullptr) {
  for (std::int64_t t = 0; t < n_tokens; ahead = nullptr) {
    const std::int64_t left = n_tokens - t, n_passes = (left + kPassTokens - 1) / kPassTokens;
    const std::int64_t width = (left + n_passes - 1) / n_passes;
    switch (width) {
      case 1: sweep_rows<L, kResidual, 1>(tiles, n_tiles, first_tile, x + t, ahead); break;
      case 2: sweep_rows<L, kResidual, 2>(tiles, n_tiles, first_tile, x + t, ahead); break;
      default: sweep_rows<L, kResidual, 3>(tiles, n_tiles, first_tile, x + t, ahead); break;
    }
    t += width;
  }
}

template <typename L>
static void panel_times_many(const byte* panel, std::int64_t k, const QuantisedRow* x,
                             const Residuals& residuals, std::int64_t n_tokens, float* y,
                             std::int64_t y_stride) {
  PanelToken main[kMaxPanelTokens], rest[kMaxPanelTokens];
  for (std::int64_t t = 0; t < n_tokens; ++t) {
    main[t] = panel_token(x[t].main, x[t].scaled_sum, y + t * y_stride);
    rest[t] = panel_token(x[t].residual, nullptr, y + t * y_stride);
    for (int j = 0; j < 4; ++j) _mm256_storeu_ps(main[t].y + 8 * j, _mm256_setzero_ps());
  }
  UnpackedTile<L> tiles[kSuperTiles];
  const std::int64_t n_tiles = k / kTileCols;
  for (std::int64_t first = 0; first < n_tiles; first += kSuperTiles) {
    const byte* header = panel + first / kSuperTiles * L::kHeaderBytes + first * L::kTileBytes;
    const byte* tile = header + L::kHeaderBytes;
    const int n = static_cast<int>(n_tiles - first < kSuperTiles ? n_tiles - first : kSuperTiles);
    for (int i = 0; i < n; ++i) unpack_tile<L>(header, tile + i * L::kTileBytes, tiles[i]);
    const byte* ahead = tile + n * L::kTileBytes;  // the next super-block, or the next panel
    sweep_tokens<L, false>(tiles, n, first, main, n_tokens, ahead);
    if (residuals.groups == nullptr) {
      sweep_tokens<L, true>(tiles, n, first, rest, n_tokens);
    } else {
      for (int i = 0; i < n; ++i) {
        const std::int64_t n_split = residual_tokens(residuals, first + i, main, rest);
        sweep_tokens<L, true>(tiles + i, 1, 0, rest, n_split);
      }
    }
  }
}

}  // namespace tinyllm::avx2

#pragma once
// A panel of quantised weights times a few tokens: a handful of texts, or a text and its drafts.
// The weights pass as one linear stream from memory, as for one token, and are unpacked into
// registers that all tokens of a pass use, 8 rows at a time. The operations on a row and their order
// are those of one_token.h.

#include "base/fetch_ahead.h"
#include "kernels/cpu/avx2/panel_formats.h"

namespace tinyllm::avx2 {

inline constexpr std::int64_t kFewTokens = 8;  // more are faster through many_tokens.h
// Tokens that go through a tile together: their sums of 8 rows stay in registers.
inline constexpr int kTogether = 6;

// sums[t] = the products of kLines lines of 8 rows, which line(i) unpacks, with token t's
// activations from column 4 * first on, added in int16.
template <int kLines, int kTokens, typename Line>
[[gnu::always_inline]] static inline void line_sums(const std::int8_t* const (&q)[kTokens],
                                                    int first, Line line,
                                                    __m256i (&sums)[kTokens]) {
#pragma GCC unroll 8
  for (int i = 0; i < kLines; ++i) {
    const __m256i w = line(i);
#pragma GCC unroll 6
    for (int t = 0; t < kTokens; ++t) {
      const __m256i product = _mm256_maddubs_epi16(w, repeat_4_bytes(q[t] + 4 * (first + i)));
      sums[t] = i == 0 ? product : _mm256_add_epi16(sums[t], product);
      pin(sums[t]);
    }
  }
}

// Int32 dots of rows 8 j to 8 j + 7 of a tile with the tokens' activations q, less the offset; with
// super-scales they are multiplied with the groups' whole scales.
template <typename L, int kTokens>
[[gnu::always_inline]] static inline void row_dots(const byte* tile, int j,
                                                   const std::int8_t* const (&q)[kTokens],
                                                   const std::int16_t* const (&x_sum)[kTokens],
                                                   __m256i (&dots)[kTokens]) {
  const byte* lines = tile + L::kQuantsBegin + j / 2 * L::kHalfBytes + 32 * (j % 2);
  // += the int16 sums of columns of group g.
  const auto add = [&](const __m256i(&sums)[kTokens], __m256i scales, bool begins) {
#pragma GCC unroll 6
    for (int t = 0; t < kTokens; ++t) {
      const __m256i wide = _mm256_madd_epi16(sums[t], scales);
      dots[t] = begins ? wide : _mm256_add_epi32(dots[t], wide);
    }
  };
  __m256i scales[2], sums[kTokens];
  if constexpr (!L::kSuper) {
    scales[0] = scales[1] = _mm256_set1_epi16(1);
  } else if constexpr (L::kGroup == 32) {
    scales[0] = scales[1] = load_equal_pairs(tile + 8 * j);
  } else {
    for (int g = 0; g < 2; ++g) {
      const byte* at = tile + kTileRows * g + 8 * j;
      const __m256i scale = L::kHasMin ? load_u8(at) : load_i8(at);
      scales[g] = pair_of(scale, scale);
    }
  }
  if constexpr (L::kQuant == Quant::nibbles) {
    const auto low = [lines](int i) { return low_nibbles(load(lines + 64 * i)); };
    const auto high = [lines](int i) { return high_nibbles(load(lines + 64 * i)); };
    if constexpr (L::kGroup == 32) {
      line_sums<8>(
          q, 0, [&](int i) { return i < 4 ? low(i) : high(i - 4); }, sums);
      add(sums, scales[0], true);
    } else {
      line_sums<4>(q, 0, low, sums);
      add(sums, scales[0], true);
      line_sums<4>(q, 4, high, sums);
      add(sums, scales[1], false);
    }
  } else if constexpr (L::kQuant == Quant::five_bits) {
    for (int first = 0; first < 8; first += 4) {
      line_sums<4>(
          q, first, [&](int i) { return load(lines + 64 * (first + i)); }, sums);
      add(sums, scales[0], first == 0);
    }
  } else if constexpr (L::kQuant == Quant::six_bits) {
    for (int p = 0; p < 2; ++p) {
      const SixBits w = unpack_six_bits(lines - 32 * (j % 2), p, j % 2);
      line_sums<2>(
          q, 2 * p, [&](int i) { return w.first[i]; }, sums);
      add(sums, scales[0], p == 0);
      line_sums<2>(
          q, 4 + 2 * p, [&](int i) { return w.second[i]; }, sums);
      add(sums, scales[1], false);
    }
  } else {
    for (int t = 0; t < kTokens; ++t) dots[t] = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      const __m256i w = load(lines + 64 * i), size = _mm256_abs_epi8(w);
#pragma GCC unroll 6
      for (int t = 0; t < kTokens; ++t) {
        const __m256i x = _mm256_sign_epi8(repeat_4_bytes(q[t] + 4 * i), w);
        dots[t] = _mm256_add_epi32(dots[t], add_pairs(_mm256_maddubs_epi16(size, x)));
        pin(dots[t]);
      }
    }
  }
  if constexpr (L::kOffset != 0) {
    __m256i offsets = _mm256_set1_epi16(L::kOffset);
    if constexpr (L::kGroup == 16) offsets = _mm256_slli_epi16(load_group_pair<L>(tile, j), 5);
#pragma GCC unroll 6
    for (int t = 0; t < kTokens; ++t)
      dots[t] = _mm256_sub_epi32(dots[t], _mm256_madd_epi16(repeat_4_bytes(x_sum[t]), offsets));
  }
}

// sums[t] += what one tile adds to rows 8 j to 8 j + 7. kInUnits: in units of the rows' super-scales.
template <typename L, bool kResidual, bool kInUnits, int kTokens>
[[gnu::always_inline]] static inline void add_rows(const byte* header, const byte* tile, int j,
                                                   const PanelToken* x, std::int64_t at,
                                                   float* const (&sums)[kTokens]) {
  asm volatile("" : "+r"(at));  // g++ would keep the activations of the last rows on the stack
  const std::int8_t* q[kTokens];
  const std::int16_t* x_sum[kTokens];
  for (int t = 0; t < kTokens; ++t) {
    q[t] = x[t].q + kTileCols * at;
    x_sum[t] = x[t].sum + 2 * at;
  }
  __m256i dots[kTokens];
  row_dots<L, kTokens>(tile, j, q, x_sum, dots);
  const byte* mins = tile + L::kScalesBytes;
#pragma GCC unroll 6
  for (int t = 0; t < kTokens; ++t) {
    const __m256 x_scale = _mm256_broadcast_ss(x[t].scale + at);
    __m256 scale = x_scale;
    if constexpr (!kInUnits)
      scale = _mm256_mul_ps(load_f16((L::kSuper ? header : tile) + 16 * j), x_scale);
    __m256 sum = _mm256_loadu_ps(sums[t] + 8 * j);
    sum = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(dots[t]), sum);
    if constexpr (L::kHasMin && !L::kSuper && !kResidual) {
      sum =
          _mm256_fnmadd_ps(load_f16(mins + 16 * j), _mm256_broadcast_ss(x[t].scaled_sum + at), sum);
    } else if constexpr (L::kHasMin && L::kGroup == 16 && kResidual) {
      const __m256 min = _mm256_mul_ps(load_f16(header + 2 * kTileRows + 16 * j), x_scale);
      sum = _mm256_fnmadd_ps(min, group_mins(x_sum[t], load_group_pair<L>(mins, j)), sum);
    }
    _mm256_storeu_ps(sums[t] + 8 * j, sum);
  }
}

// y of the tokens -= the mins of a super-block's n tiles times the sums of their tiles from `first`
// on, for rows 8 j to 8 j + 7.
template <typename L, int kTokens>
[[gnu::always_inline]] static inline void take_off_mins(const byte* header, int n, int j,
                                                        const PanelToken* x, std::int64_t first) {
  __m256 sums[kTokens];
  for (int t = 0; t < kTokens; ++t) sums[t] = _mm256_setzero_ps();
  for (int i = 0; i < n; ++i) {
    const byte* mins = header + L::kHeaderBytes + i * L::kTileBytes + L::kScalesBytes;
    const std::int64_t at = first + i;
    if constexpr (L::kGroup == 32) {
      const __m256 min = _mm256_cvtepi32_ps(load_u8(mins + 8 * j));
#pragma GCC unroll 6
      for (int t = 0; t < kTokens; ++t)
        sums[t] = _mm256_fmadd_ps(min, _mm256_broadcast_ss(x[t].scaled_sum + at), sums[t]);
    } else {
      const __m256i pairs = load_group_pair<L>(mins, j);
#pragma GCC unroll 6
      for (int t = 0; t < kTokens; ++t) {
        sums[t] = _mm256_fmadd_ps(group_mins(x[t].sum + 2 * at, pairs),
                                  _mm256_broadcast_ss(x[t].scale + at), sums[t]);
      }
    }
  }
  const __m256 scale = load_f16(header + 2 * kTileRows + 16 * j);
  for (int t = 0; t < kTokens; ++t) {
    float* y = x[t].y + 8 * j;
    _mm256_storeu_ps(y, _mm256_fnmadd_ps(scale, sums[t], _mm256_loadu_ps(y)));
  }
}

// y of the tokens += the main planes of a super-block's n tiles, the first of which is their tile
// `first`.
template <typename L, int kTokens>
static void add_block(const byte* header, int n, std::int64_t first, const PanelToken* x) {
  alignas(32) float units[kTokens][kTileRows];
  float* sums[kTokens];
  for (int t = 0; t < kTokens; ++t) {
    sums[t] = L::kSuper ? units[t] : x[t].y;
    for (int j = 0; L::kSuper && j < 4; ++j) _mm256_store_ps(units[t] + 8 * j, _mm256_setzero_ps());
  }
  for (int i = 0; i < n; ++i) {
    const byte* tile = header + L::kHeaderBytes + i * L::kTileBytes;
    for (int line = 0; line < L::kTileBytes; line += 64)
      _mm_prefetch(reinterpret_cast<const char*>(tile) + kFetchAhead + line, _MM_HINT_T0);
    for (int j = 0; j < 4; ++j)
      add_rows<L, false, L::kSuper, kTokens>(header, tile, j, x, first + i, sums);
  }
  if constexpr (L::kSuper) {
    for (int j = 0; j < 4; ++j) {
      const __m256 scale = load_f16(header + 16 * j);
      for (int t = 0; t < kTokens; ++t) {
        float* y = x[t].y + 8 * j;
        const __m256 unit = _mm256_load_ps(units[t] + 8 * j);
        _mm256_storeu_ps(y, _mm256_fmadd_ps(scale, unit, _mm256_loadu_ps(y)));
      }
      if constexpr (L::kHasMin) take_off_mins<L, kTokens>(header, n, j, x, first);
    }
  }
}

// y of the tokens += the residual planes of one tile, which is each one's tile 0.
template <typename L, int kTokens>
static void add_residuals(const byte* header, const byte* tile, const PanelToken* x) {
  float* sums[kTokens];
  for (int t = 0; t < kTokens; ++t) sums[t] = x[t].y;
  for (int j = 0; j < 4; ++j) add_rows<L, true, false, kTokens>(header, tile, j, x, 0, sums);
}

// add_block or add_residuals for 1 to kMost tokens.
template <typename L, int kMost>
static inline void add_block_to(const byte* header, int n, std::int64_t first, const PanelToken* x,
                                std::int64_t n_tokens) {
  if constexpr (kMost > 1) {
    if (n_tokens < kMost) return add_block_to<L, kMost - 1>(header, n, first, x, n_tokens);
  }
  add_block<L, kMost>(header, n, first, x);
}
template <typename L, int kMost>
static inline void add_residuals_to(const byte* header, const byte* tile, const PanelToken* x,
                                    std::int64_t n_tokens) {
  if constexpr (kMost > 1) {
    if (n_tokens < kMost) return add_residuals_to<L, kMost - 1>(header, tile, x, n_tokens);
  }
  add_residuals<L, kMost>(header, tile, x);
}

// each(tokens, how many) for passes of nearly equal width, kTogether at most: 8 are 4 + 4.
template <typename Each>
[[gnu::always_inline]] static inline void in_passes(const PanelToken* tokens, std::int64_t n_tokens,
                                                    Each each) {
  for (std::int64_t n_passes = (n_tokens + kTogether - 1) / kTogether; n_passes > 0; --n_passes) {
    const std::int64_t width = (n_tokens + n_passes - 1) / n_passes;
    each(tokens, width);
    tokens += width;
    n_tokens -= width;
  }
}

template <typename L>
static void panel_times_few(const byte* panel, std::int64_t k, const QuantisedRow* x,
                            const Residuals& residuals, std::int64_t n_tokens, float* y,
                            std::int64_t y_stride) {
  PanelToken main[kFewTokens], rest[kFewTokens];
  begin_tokens(x, n_tokens, y, y_stride, main);
  const std::int64_t n_tiles = k / kTileCols;
  const byte* header = panel;
  for (std::int64_t first = 0; first < n_tiles; first += kSuperTiles) {
    const int n = static_cast<int>(n_tiles - first < kSuperTiles ? n_tiles - first : kSuperTiles);
    in_passes(main, n_tokens, [&](const PanelToken* tokens, std::int64_t width) {
      add_block_to<L, kTogether>(header, n, first, tokens, width);
    });
    for (int i = 0; i < n; ++i) {
      const byte* tile = header + L::kHeaderBytes + i * L::kTileBytes;
      in_passes(rest, residual_tokens(residuals, first + i, main, rest),
                [&](const PanelToken* tokens, std::int64_t width) {
                  add_residuals_to<L, kTogether>(header, tile, tokens, width);
                });
    }
    header += L::kHeaderBytes + n * L::kTileBytes;
  }
}

}  // namespace tinyllm::avx2

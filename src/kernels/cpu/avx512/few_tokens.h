#pragma once
// A panel of quantised weights times a few tokens: a handful of texts, or a text and its drafts.
// The weights pass as one linear stream from memory, as for one token, and are unpacked into
// registers that all tokens use; nothing is stored on the way. The operations on a row and their
// order are those of one_token.h.

#include "base/fetch_ahead.h"
#include "kernels/cpu/avx512/panel_formats.h"

namespace tinyllm::avx512 {

inline constexpr std::int64_t kFewTokens = 16;  // more are faster through many_tokens.h
// Tokens that go through a tile together: 16 registers of sums, 8 of weights, 8 for what passes.
inline constexpr int kPassTokens = 8;

// The dot of group g of a half, whose lines are given, with a token's activations.
template <typename L, int kTokens>
[[gnu::always_inline]] static inline __m512i group_dot(const __m512i (&lines)[8], int g,
                                                       const PanelToken& x, std::int64_t tile) {
  constexpr int kLines = 8 / L::kGroups;
  const std::int8_t* q = x.q + kTileCols * tile;
  __m512i dot = begin_sum<L>(x.sum + 2 * tile, g);
  if constexpr (kTokens < 4 && kLines == 8) {
    // Few sums wait for each other's last results: two for a token.
    __m512i second = _mm512_setzero_si512();
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      dot = _mm512_dpbusd_epi32(dot, lines[i], repeat_4_bytes(q + 4 * i));
      second = _mm512_dpbusd_epi32(second, lines[4 + i], repeat_4_bytes(q + 16 + 4 * i));
    }
    return _mm512_add_epi32(dot, second);
  }
#pragma GCC unroll 8
  for (int i = kLines * g; i < kLines * (g + 1); ++i)
    dot = _mm512_dpbusd_epi32(dot, lines[i], repeat_4_bytes(q + 4 * i));
  return dot;
}

// acc += one tile, which is tile `index` of the tokens, times the tokens.
template <typename L, bool kResidual, int kTokens>
[[gnu::always_inline]] static inline void add_tile_to_few(const byte* header, const byte* tile,
                                                          std::int64_t index,
                                                          const PanelToken (&x)[kTokens],
                                                          __m512 (&acc)[kTokens][2]) {
#pragma GCC unroll 2
  for (int half = 0; half < 2; ++half) {
    // Activations are read again for the second half: g++ would keep them on the stack.
    asm volatile("" : "+r"(index));
    __m512i lines[8];
    unpack_half<L>(tile + L::kQuantsBegin + half * L::kHalfBytes, lines);
#pragma GCC unroll 2
    for (int g = 0; g < L::kGroups; ++g) {
      const __m512 scale = load_scale<L>(header, tile, half, g);
      __m512 min{};
      if constexpr (L::kHasMin) min = load_min<L>(header, tile, half, g);
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) {
        const __m512i dot = group_dot<L, kTokens>(lines, g, x[t], index);
        const __m512 x_scale = _mm512_set1_ps(x[t].scale[index]);
        __m512& sum = acc[t][half];
        sum = _mm512_fmadd_ps(_mm512_mul_ps(scale, x_scale), _mm512_cvtepi32_ps(dot), sum);
        if constexpr (L::kHasMin && L::kGroup == 16) {
          const auto x_sum = static_cast<float>(x[t].sum[2 * index + g]);
          sum = _mm512_fnmadd_ps(_mm512_mul_ps(min, x_scale), _mm512_set1_ps(x_sum), sum);
        } else if constexpr (L::kHasMin && !kResidual) {
          sum = _mm512_fnmadd_ps(min, _mm512_set1_ps(x[t].scaled_sum[index]), sum);
        }
      }
    }
  }
}

// y of the tokens += tiles [0, n_tiles) of a super-block, whose first is first_tile of the tokens.
template <typename L, bool kResidual, int kTokens>
static void add_tiles_to_few(const byte* header, const byte* tiles, int n_tiles,
                             std::int64_t first_tile, const PanelToken* tokens) {
  PanelToken x[kTokens];
  __m512 acc[kTokens][2];
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
    x[t] = tokens[t];
    for (int half = 0; half < 2; ++half) acc[t][half] = _mm512_loadu_ps(x[t].y + 16 * half);
  }
  for (int i = 0; i < n_tiles; ++i) {
    const byte* tile = tiles + i * L::kTileBytes;
    if constexpr (!kResidual) {
      for (int line = 0; line < L::kTileBytes; line += 64)
        _mm_prefetch(reinterpret_cast<const char*>(tile) + kFetchAhead + line, _MM_HINT_T0);
    }
    add_tile_to_few<L, kResidual, kTokens>(header, tile, first_tile + i, x, acc);
  }
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
    for (int half = 0; half < 2; ++half) _mm512_storeu_ps(x[t].y + 16 * half, acc[t][half]);
  }
}

// The same with the number of tokens known at run time, kMost at most.
template <typename L, bool kResidual, int kMost>
static inline void add_tiles_in_pass(const byte* header, const byte* tiles, int n_tiles,
                                     std::int64_t first_tile, const PanelToken* tokens,
                                     std::int64_t n_tokens) {
  if constexpr (kMost > 1) {
    if (n_tokens < kMost) {
      return add_tiles_in_pass<L, kResidual, kMost - 1>(header, tiles, n_tiles, first_tile, tokens,
                                                        n_tokens);
    }
  }
  add_tiles_to_few<L, kResidual, kMost>(header, tiles, n_tiles, first_tile, tokens);
}

// The same for any number of tokens in as few passes as can be, of equal width: 9 are 5 + 4.
template <typename L, bool kResidual, int kMost>
static inline void add_tiles(const byte* header, const byte* tiles, int n_tiles,
                             std::int64_t first_tile, const PanelToken* tokens,
                             std::int64_t n_tokens) {
  for (std::int64_t n_passes = (n_tokens + kMost - 1) / kMost; n_passes > 0; --n_passes) {
    const std::int64_t width = (n_tokens + n_passes - 1) / n_passes;
    add_tiles_in_pass<L, kResidual, kMost>(header, tiles, n_tiles, first_tile, tokens, width);
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
    const byte* tiles = header + L::kHeaderBytes;
    const int n = static_cast<int>(n_tiles - first < kSuperTiles ? n_tiles - first : kSuperTiles);
    add_tiles<L, false, kPassTokens>(header, tiles, n, first, main, n_tokens);
    for (int i = 0; i < n; ++i) {
      const std::int64_t n_split = residual_tokens(residuals, first + i, main, rest);
      add_tiles<L, true, 4>(header, tiles + i * L::kTileBytes, 1, 0, rest, n_split);
    }
    header = tiles + n * L::kTileBytes;
  }
}

}  // namespace tinyllm::avx512

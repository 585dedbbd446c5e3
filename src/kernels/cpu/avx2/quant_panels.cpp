// One 32-row panel of quantised weights times int8 activations, AVX2 without VNNI.
//
// A register holds 8 rows x 4 columns of weights and, beside it, the 4 activations of these columns
// repeated: maddubs multiplies and adds pairs in int16, madd with ones adds the pairs of pairs to
// int32, one lane a row. How many maddubs fit into int16 before that decides the speed (each is at
// most 2 * |q| * 127):
//   4 bit        q <= 15         8 of them: 30480
//   w8a, w8k     q <= 31         4 of them: 31496
//   w8k16        |q| <= 32       4 of them: 32512; maddubs wants an unsigned side, so |q| times
//   sign(q) x w8s          |q| <= 128      1 of them: 32512, the same way
// so overflow cannot happen, and every dot equals the scalar one exactly.

#include <immintrin.h>

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "quant/tile_format.h"

namespace tinyllm::avx2 {
namespace {

enum class Quant { nibble, small_unsigned, small_signed, full_signed };

template <Quant kQuantKind, int kGroupCols, bool kSuperScaled, bool kWithMin, int kQuantOffset>
struct Layout {
  static constexpr Quant kQuant = kQuantKind;
  static constexpr int kGroup = kGroupCols;
  static constexpr int kGroups = kTileCols / kGroupCols;
  static constexpr bool kSuper = kSuperScaled;
  static constexpr bool kHasMin = kWithMin;
  static constexpr int kOffset = kQuantOffset;
  static constexpr bool kSignedScale = kSuperScaled && !kWithMin;  // w8k16

  static constexpr int kScalesBytes = kSuper ? kTileRows * kGroups : 2 * kTileRows;
  static constexpr int kQuantsBegin = kScalesBytes * (kHasMin ? 2 : 1);
  static constexpr int kHalfBytes = kQuant == Quant::nibble ? 256 : 512;
  static constexpr int kTileBytes = kQuantsBegin + 2 * kHalfBytes;
  static constexpr int kHeaderBytes = kSuper ? 2 * kTileRows * (kHasMin ? 2 : 1) : 0;
};

using W4S = Layout<Quant::nibble, 32, false, false, 8>;
using W4A = Layout<Quant::nibble, 32, false, true, 0>;
using W4K = Layout<Quant::nibble, 32, true, true, 0>;
using W4K16 = Layout<Quant::nibble, 16, true, true, 0>;
using W8S = Layout<Quant::full_signed, 32, false, false, 0>;
using W8A = Layout<Quant::small_unsigned, 32, false, true, 0>;
using W8K = Layout<Quant::small_unsigned, 32, true, true, 0>;
using W8K16 = Layout<Quant::small_signed, 16, true, false, 0>;

__m256 load_f16(const byte* at) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
}

// Scales (or mins) of the 8 rows that begin at row 8 * j, for group g.
template <typename L>
__m256 load_scale(const byte* header, const byte* array, int j, int g) {
  if constexpr (!L::kSuper) {
    return load_f16(array + 16 * j);
  } else {
    const __m128i bytes =
        _mm_loadl_epi64(reinterpret_cast<const __m128i*>(array + kTileRows * g + 8 * j));
    const __m256i wide =
        L::kSignedScale ? _mm256_cvtepi8_epi32(bytes) : _mm256_cvtepu8_epi32(bytes);
    return _mm256_mul_ps(load_f16(header + 16 * j), _mm256_cvtepi32_ps(wide));
  }
}

__m256i load_line(const byte* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

__m256i repeat_4(const std::int8_t* q) {
  std::int32_t four;
  __builtin_memcpy(&four, q, 4);
  return _mm256_set1_epi32(four);
}

// 4 products a lane as pairs in int16: sum over columns (0, 1) and (2, 3) of the 4.
template <Quant kQuant>
__m256i multiply(__m256i w, __m256i x) {
  if constexpr (kQuant == Quant::nibble || kQuant == Quant::small_unsigned) {
    return _mm256_maddubs_epi16(w, x);
  } else {
    return _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
  }
}

__m256i add_pairs(__m256i pairs) { return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)); }

// Int32 dots of 8 kRegs rows with kTokens tokens, over each group of one tile.
template <typename L, int kRegs, int kTokens>
struct TileDots {
  __m256i of[L::kGroups][kTokens][kRegs];
};

template <int kRegs, int kTokens>
void set_zero(__m256i (&sums)[kTokens][kRegs]) {
  for (int t = 0; t < kTokens; ++t) {
    for (int j = 0; j < kRegs; ++j) sums[t][j] = _mm256_setzero_si256();
  }
}

// Low nibbles are columns 4 i + c (group 0), high ones 16 + 4 i + c (the last group).
template <typename L, int kRegs, int kTokens>
void nibble_dots(const byte* quants, const std::int8_t* const* q,
                 TileDots<L, kRegs, kTokens>& dots) {
  const __m256i low_nibbles = _mm256_set1_epi8(15);
  for (int g = 0; g < L::kGroups; ++g) set_zero(dots.of[g]);
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < kRegs; ++j) {
      const __m256i line = load_line(quants + j / 2 * L::kHalfBytes + 64 * i + 32 * (j % 2));
      const __m256i low = _mm256_and_si256(line, low_nibbles);
      const __m256i high = _mm256_and_si256(_mm256_srli_epi16(line, 4), low_nibbles);
      for (int t = 0; t < kTokens; ++t) {
        __m256i& first = dots.of[0][t][j];
        __m256i& second = dots.of[L::kGroups - 1][t][j];
        first = _mm256_add_epi16(first, multiply<L::kQuant>(low, repeat_4(q[t] + 4 * i)));
        second = _mm256_add_epi16(second, multiply<L::kQuant>(high, repeat_4(q[t] + 16 + 4 * i)));
      }
    }
  }
  for (int g = 0; g < L::kGroups; ++g) {
    for (int t = 0; t < kTokens; ++t) {
      for (int j = 0; j < kRegs; ++j) dots.of[g][t][j] = add_pairs(dots.of[g][t][j]);
    }
  }
}

template <typename L, int kRegs, int kTokens>
void byte_dots(const byte* quants, const std::int8_t* const* q, TileDots<L, kRegs, kTokens>& dots) {
  constexpr bool kSumIn16 = L::kQuant != Quant::full_signed;
  for (int g = 0; g < L::kGroups; ++g) set_zero(dots.of[g]);
  for (int half = 0; half < 2; ++half) {  // 16 columns: what int16 can hold
    __m256i sums[kTokens][kRegs];
    set_zero(sums);
    for (int i = 4 * half; i < 4 * half + 4; ++i) {
      for (int j = 0; j < kRegs; ++j) {
        const __m256i line = load_line(quants + j / 2 * L::kHalfBytes + 64 * i + 32 * (j % 2));
        for (int t = 0; t < kTokens; ++t) {
          const __m256i pairs = multiply<L::kQuant>(line, repeat_4(q[t] + 4 * i));
          sums[t][j] = kSumIn16 ? _mm256_add_epi16(sums[t][j], pairs)
                                : _mm256_add_epi32(sums[t][j], add_pairs(pairs));
        }
      }
    }
    for (int t = 0; t < kTokens; ++t) {
      for (int j = 0; j < kRegs; ++j) {
        __m256i& dot = dots.of[half * L::kGroups / 2][t][j];
        dot = _mm256_add_epi32(dot, kSumIn16 ? add_pairs(sums[t][j]) : sums[t][j]);
      }
    }
  }
}

// 8 kRegs rows of the panel, from row 8 first_reg on, times kTokens tokens.
template <typename L, int kRegs, int kTokens>
void rows_times_tokens(const byte* panel, std::int64_t k, int first_reg, const QuantisedRow* x,
                       float* y, std::int64_t y_stride) {
  __m256 acc[kTokens][kRegs];
  for (int t = 0; t < kTokens; ++t) {
    for (int j = 0; j < kRegs; ++j) acc[t][j] = _mm256_setzero_ps();
  }
  const byte* header = panel;
  const byte* tile = panel + L::kHeaderBytes;
  for (std::int64_t tile_idx = 0; tile_idx < k / kTileCols; ++tile_idx) {
    if (L::kSuper && tile_idx != 0 && tile_idx % kSuperTiles == 0) {
      header = tile;
      tile += L::kHeaderBytes;
    }
    const std::int8_t* q[kTokens];
    for (int t = 0; t < kTokens; ++t) q[t] = x[t].q + kTileCols * tile_idx;
    TileDots<L, kRegs, kTokens> dots;
    const byte* quants = tile + L::kQuantsBegin + first_reg / 2 * L::kHalfBytes;
    if constexpr (L::kQuant == Quant::nibble) {
      nibble_dots<L>(quants, q, dots);
    } else {
      byte_dots<L>(quants, q, dots);
    }
    for (int g = 0; g < L::kGroups; ++g) {
      for (int j = 0; j < kRegs; ++j) {
        const __m256 scale = load_scale<L>(header, tile, first_reg + j, g);
        __m256 min = _mm256_setzero_ps();
        if constexpr (L::kHasMin) {
          min = load_scale<L>(header + 2 * kTileRows, tile + L::kScalesBytes, first_reg + j, g);
        }
        for (int t = 0; t < kTokens; ++t) {
          const std::int32_t* sums = x[t].sum + 2 * tile_idx;
          const std::int32_t sum = L::kGroups == 2 ? sums[g] : sums[0] + sums[1];
          const __m256 x_scale = _mm256_set1_ps(x[t].scale[tile_idx]);
          __m256i dot = dots.of[g][t][j];
          if constexpr (L::kOffset != 0)
            dot = _mm256_sub_epi32(dot, _mm256_set1_epi32(L::kOffset * sum));
          acc[t][j] =
              _mm256_fmadd_ps(_mm256_mul_ps(scale, x_scale), _mm256_cvtepi32_ps(dot), acc[t][j]);
          if constexpr (L::kHasMin) {
            acc[t][j] = _mm256_fnmadd_ps(_mm256_mul_ps(min, x_scale),
                                         _mm256_set1_ps(static_cast<float>(sum)), acc[t][j]);
          }
        }
      }
    }
    tile += L::kTileBytes;
  }
  for (int t = 0; t < kTokens; ++t) {
    for (int j = 0; j < kRegs; ++j)
      _mm256_storeu_ps(y + t * y_stride + 8 * (first_reg + j), acc[t][j]);
  }
}

// A single token reads the panel once, all 32 rows together: one linear stream. Several tokens take
// 16 rows at a time, so that sums and weights stay in the 16 registers; the panel comes from the
// cache then.
template <typename L>
void panel_times_tokens(const byte* panel, std::int64_t k, const QuantisedRow* x,
                        std::int64_t n_tokens, float* y, std::int64_t y_stride) {
  if (n_tokens == 1) return rows_times_tokens<L, 4, 1>(panel, k, 0, x, y, y_stride);
  for (std::int64_t t = 0; t < n_tokens;) {
    const std::int64_t n = n_tokens - t < 3 ? n_tokens - t : 3;
    for (int first_reg = 0; first_reg < 4; first_reg += 2) {
      float* out = y + t * y_stride;
      if (n == 3) {
        rows_times_tokens<L, 2, 3>(panel, k, first_reg, x + t, out, y_stride);
      } else if (n == 2) {
        rows_times_tokens<L, 2, 2>(panel, k, first_reg, x + t, out, y_stride);
      } else {
        rows_times_tokens<L, 2, 1>(panel, k, first_reg, x + t, out, y_stride);
      }
    }
    t += n;
  }
}

}  // namespace

void panel_w4s(const byte* panel, std::int64_t k, const QuantisedRow* x, std::int64_t n_tokens,
               float* y, std::int64_t y_stride) {
  panel_times_tokens<W4S>(panel, k, x, n_tokens, y, y_stride);
}
void panel_w4a(const byte* panel, std::int64_t k, const QuantisedRow* x, std::int64_t n_tokens,
               float* y, std::int64_t y_stride) {
  panel_times_tokens<W4A>(panel, k, x, n_tokens, y, y_stride);
}
void panel_w4k(const byte* panel, std::int64_t k, const QuantisedRow* x, std::int64_t n_tokens,
               float* y, std::int64_t y_stride) {
  panel_times_tokens<W4K>(panel, k, x, n_tokens, y, y_stride);
}
void panel_w4k16(const byte* panel, std::int64_t k, const QuantisedRow* x, std::int64_t n_tokens,
                 float* y, std::int64_t y_stride) {
  panel_times_tokens<W4K16>(panel, k, x, n_tokens, y, y_stride);
}
void panel_w8s(const byte* panel, std::int64_t k, const QuantisedRow* x, std::int64_t n_tokens,
               float* y, std::int64_t y_stride) {
  panel_times_tokens<W8S>(panel, k, x, n_tokens, y, y_stride);
}
void panel_w8a(const byte* panel, std::int64_t k, const QuantisedRow* x, std::int64_t n_tokens,
               float* y, std::int64_t y_stride) {
  panel_times_tokens<W8A>(panel, k, x, n_tokens, y, y_stride);
}
void panel_w8k(const byte* panel, std::int64_t k, const QuantisedRow* x, std::int64_t n_tokens,
               float* y, std::int64_t y_stride) {
  panel_times_tokens<W8K>(panel, k, x, n_tokens, y, y_stride);
}
void panel_w8k16(const byte* panel, std::int64_t k, const QuantisedRow* x, std::int64_t n_tokens,
                 float* y, std::int64_t y_stride) {
  panel_times_tokens<W8K16>(panel, k, x, n_tokens, y, y_stride);
}

}  // namespace tinyllm::avx2

#pragma once
// The tile formats as AVX2 sees them (layout/tile_format.h draws them). A register holds 8 rows x 4
// columns of quants; four registers j = 0..3 are the 32 rows of a panel.
//
// maddubs multiplies unsigned quants with signed activations and adds pairs in int16. How many of
// its results may be added there before they must go on to int32 (madd) is what a format decides;
// an activation is at most 127, so a result at most 2 * 127 * q:
//   nibbles      q <= 15    8 results: 30480
//   five_bits    q <= 31    4 results: 31496
//   six_bits     q <= 63    2 results: 32004
//   full_signed  |q| <= 128 1 result:  32512, as |q| times x with the sign of q (several tokens:
//                           as int16 times int16, summed in int32)
// so overflow cannot happen, and every dot equals the scalar one exactly.
//
// Everything here is static: each file keeps its own copy (flags of its own, CMake).

#include <immintrin.h>

#include "kernels/cpu/avx2/avx2_kernels.h"
#include "kernels/cpu/layout/tile_geometry.h"

namespace tinyllm::avx2 {

enum class Quant { nibbles, five_bits, six_bits, full_signed };

constexpr int bits(Quant quant) {
  return quant == Quant::nibbles ? 4 : quant == Quant::six_bits ? 6 : 8;
}

template <Quant kQuantKind, int kGroupCols, bool kSuperScaled, bool kWithMin, int kQuantOffset>
struct Layout : TileGeometry<bits(kQuantKind), kGroupCols, kSuperScaled, kWithMin> {
  static constexpr Quant kQuant = kQuantKind;
  static constexpr int kOffset = kQuantOffset;
};

using W4S = Layout<Quant::nibbles, 32, false, false, 8>;
using W4A = Layout<Quant::nibbles, 32, false, true, 0>;
using W4K = Layout<Quant::nibbles, 32, true, true, 0>;
using W4K16 = Layout<Quant::nibbles, 16, true, true, 0>;
using W6K16 = Layout<Quant::six_bits, 16, true, false, 32>;
using W8S = Layout<Quant::full_signed, 32, false, false, 0>;
using W8A = Layout<Quant::five_bits, 32, false, true, 0>;
using W8K = Layout<Quant::five_bits, 32, true, true, 0>;

static inline __m256i load(const byte* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

static inline __m256 load_floats(const byte* at) {
  return _mm256_loadu_ps(reinterpret_cast<const float*>(at));
}

static inline __m256 load_f16(const byte* at) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
}

// 8 bytes as int32, one a row.
static inline __m256i load_u8(const byte* at) {
  return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)));
}
static inline __m256i load_i8(const byte* at) {
  return _mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(at)));
}

static inline __m256i low_nibbles(__m256i line) {
  return _mm256_and_si256(line, _mm256_set1_epi8(15));
}
static inline __m256i high_nibbles(__m256i line) {
  return _mm256_and_si256(_mm256_srli_epi16(line, 4), _mm256_set1_epi8(15));
}

// Keeps the compiler from moving additions past each other: it would need more registers than there
// are and spill the sums.
static inline void pin(__m256i& v) { asm volatile("" : "+x"(v)); }
static inline void pin(__m256& v) { asm volatile("" : "+x"(v)); }

// 4 activations (or a pair of 16-bit sums) in every lane.
static inline __m256i repeat_4_bytes(const void* at) {
  std::int32_t four;
  __builtin_memcpy(&four, at, 4);
  return _mm256_set1_epi32(four);
}

// A row's pair of int16 (low, high) from int32 lanes that fit.
static inline __m256i pair_of(__m256i low, __m256i high) {
  return _mm256_blend_epi16(low, _mm256_slli_epi32(high, 16), 0xAA);
}

// Adds neighbouring int16 to int32.
static inline __m256i add_pairs(__m256i pairs) {
  return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

// x with the sign of w, times |w|.
static inline __m256i multiply_signed(__m256i w, __m256i x) {
  return add_pairs(_mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w)));
}

// 8 unsigned bytes, one a row, as int16 pairs (b, b).
static inline __m256i load_equal_pairs(const byte* at) {
  std::int64_t eight;
  __builtin_memcpy(&eight, at, 8);
  const __m256i order = _mm256_setr_epi8(0, -1, 0, -1, 1, -1, 1, -1, 2, -1, 2, -1, 3, -1, 3, -1,  //
                                         4, -1, 4, -1, 5, -1, 5, -1, 6, -1, 6, -1, 7, -1, 7, -1);
  return _mm256_shuffle_epi8(_mm256_set1_epi64x(eight), order);
}

// Groups of 16: the two group scales (or mins) of 8 rows as pairs, the first in the low half.
template <typename L>
static inline __m256i load_group_pair(const byte* array, int j) {
  static_assert(L::kGroup == 16);
  const byte* second = array + kTileRows + 8 * j;
  if constexpr (L::kHasMin) return pair_of(load_u8(array + 8 * j), load_u8(second));
  return pair_of(load_i8(array + 8 * j), load_i8(second));
}

// What the mins of 8 rows' two groups (m0, m1) take off, less the scale: m0 * sum[0] + m1 * sum[1].
static inline __m256 group_mins(const std::int16_t* x_sum, __m256i mins) {
  return _mm256_cvtepi32_ps(_mm256_madd_epi16(repeat_4_bytes(x_sum), mins));
}

// Six bits: the four registers of 4 columns in two lines of nibbles and a line of upper bits.
struct SixBits {
  __m256i first[2];   // columns 8 p + c and 8 p + 4 + c of the first 16
  __m256i second[2];  // the same of the second 16
};

static inline SixBits unpack_six_bits(const byte* half, int p, int r) {
  const __m256i even = load(half + 128 * p + 32 * r), odd = load(half + 128 * p + 64 + 32 * r);
  const __m256i upper = load(half + 256 + 64 * p + 32 * r);
  const __m256i mask = _mm256_set1_epi8(0x30);
  const auto merge = [mask](__m256i low, __m256i high) {
    return _mm256_or_si256(low, _mm256_and_si256(high, mask));
  };
  return {
      {merge(low_nibbles(even), _mm256_slli_epi16(upper, 4)),
       merge(low_nibbles(odd), _mm256_slli_epi16(upper, 2))},
      {merge(high_nibbles(even), upper), merge(high_nibbles(odd), _mm256_srli_epi16(upper, 2))}};
}

}  // namespace tinyllm::avx2

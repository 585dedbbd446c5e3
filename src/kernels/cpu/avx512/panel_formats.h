#pragma once
// The tile formats as AVX-512 VNNI sees them (layout/tile_format.h draws them). A register is a
// line, 16 rows x 4 columns of quants, and a panel has two halves of 16 rows. vpdpbusd multiplies
// unsigned quants with signed activations and adds 4 products to the int32 of their row, with
// nothing that could overflow on the way. Quants that are signed in the tile get 128 added (their
// top bit flipped); what that or a format's own offset adds is taken off where the sum begins.
//
// Everything here is static: each file keeps its own copy (flags of its own, CMake).

#include <immintrin.h>

#include "kernels/cpu/avx512/avx512_kernels.h"
#include "kernels/cpu/panels/quant_formats.h"

namespace tinyllm::avx512 {

using panels::Quant;
using panels::W4A, panels::W4K, panels::W4K16, panels::W4S, panels::W6K16, panels::W8A, panels::W8K,
    panels::W8S;

static inline __m512i load(const byte* at) { return _mm512_loadu_si512(at); }

static inline __m512 load_f16(const byte* at) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
}

// 4 activations in every lane.
static inline __m512i repeat_4_bytes(const std::int8_t* at) {
  std::int32_t four;
  __builtin_memcpy(&four, at, 4);
  return _mm512_set1_epi32(four);
}

// The 8 lines of a half as unsigned quants: line i holds columns 4 i + c.
template <typename L>
static inline void unpack_half(const byte* from, __m512i (&lines)[8]) {
  const __m512i low_4 = _mm512_set1_epi8(15);
  if constexpr (L::kQuant == Quant::nibbles || L::kQuant == Quant::six_bits) {
    for (int i = 0; i < 4; ++i) {
      const __m512i both = load(from + 64 * i);
      lines[i] = _mm512_and_si512(both, low_4);
      lines[4 + i] = _mm512_and_si512(_mm512_srli_epi16(both, 4), low_4);
    }
  }
  if constexpr (L::kQuant == Quant::six_bits) {
    const __m512i mask = _mm512_set1_epi8(0x30);
    const auto merge = [mask](__m512i low, __m512i high) {  // low | (high & mask)
      return _mm512_ternarylogic_epi32(low, high, mask, 0xF8);
    };
    for (int p = 0; p < 2; ++p) {
      const __m512i upper = load(from + 256 + 64 * p);
      lines[2 * p] = merge(lines[2 * p], _mm512_slli_epi16(upper, 4));
      lines[2 * p + 1] = merge(lines[2 * p + 1], _mm512_slli_epi16(upper, 2));
      lines[4 + 2 * p] = merge(lines[4 + 2 * p], upper);
      lines[5 + 2 * p] = merge(lines[5 + 2 * p], _mm512_srli_epi16(upper, 2));
    }
  }
  if constexpr (L::kQuant == Quant::bytes || L::kQuant == Quant::signed_bytes) {
    for (int i = 0; i < 8; ++i) {
      lines[i] = load(from + 64 * i);
      if (L::kQuant == Quant::signed_bytes)
        lines[i] = _mm512_xor_si512(lines[i], _mm512_set1_epi8(-128));
    }
  }
}

// Scales of the half's 16 rows for group g. `header`: the tile's super-scales.
template <typename L>
static inline __m512 load_scale(const byte* header, const byte* tile, int half, int g) {
  if constexpr (!L::kSuper) {
    return load_f16(tile + 32 * half);
  } else {
    const auto* at = reinterpret_cast<const __m128i*>(tile + kTileRows * g + 16 * half);
    const __m128i bytes = _mm_loadu_si128(at);
    const __m512i wide = L::kHasMin ? _mm512_cvtepu8_epi32(bytes) : _mm512_cvtepi8_epi32(bytes);
    return _mm512_mul_ps(load_f16(header + 32 * half), _mm512_cvtepi32_ps(wide));
  }
}

template <typename L>
static inline __m512 load_min(const byte* header, const byte* tile, int half, int g) {
  return load_scale<L>(header + 2 * kTileRows, tile + L::kScalesBytes, half, g);
}

// Where the int32 sum over group g begins: minus what the offset will have added.
template <typename L>
static inline __m512i begin_sum(const std::int16_t* x_sum, int g) {
  constexpr int kOffset = L::kQuant == Quant::signed_bytes ? 128 : L::kOffset;
  if constexpr (kOffset == 0) return _mm512_setzero_si512();
  return _mm512_set1_epi32(-kOffset * (L::kGroup == 16 ? x_sum[g] : x_sum[0] + x_sum[1]));
}

}  // namespace tinyllm::avx512

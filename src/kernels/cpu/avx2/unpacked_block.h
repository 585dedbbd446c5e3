#pragma once
// A super-block of 8 tiles, unpacked for several tokens to bytes and scales that stay in L1.

#include "kernels/cpu/avx2/panel_formats.h"

namespace tinyllm::avx2 {

template <typename L>
struct UnpackedTile {
  static constexpr int kLines = L::kQuant == Quant::full_signed ? 16 : 8;
  // [half][4 columns][16 rows][4]. full_signed: lines 2 i and 2 i + 1 hold columns 4 i and 4 i + 2,
  // 4 i + 1 and 4 i + 3 as int16, [16 rows][2].
  alignas(64) byte quants[2][kLines][64];
  // Of 32 rows each. f32 scales, or (kSuper) whole scales s of a group as int16 pairs (s, s).
  alignas(64) byte scale[L::kGroups][4 * kTileRows];
  // f32 mins. Groups of 16: the two groups' mins, or scales times the offset, as int16 pairs.
  alignas(64) byte min[4 * kTileRows];
};

// 8 tiles and the super-scales over them.
template <typename L>
struct UnpackedBlock {
  UnpackedTile<L> tiles[kSuperTiles];
  alignas(64) float scale[kTileRows];
  alignas(64) float min[kTileRows];
};

static inline void store(void* at, __m256i v) { _mm256_store_si256(static_cast<__m256i*>(at), v); }
static inline void store(void* at, __m256 v) { _mm256_store_ps(static_cast<float*>(at), v); }

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
static inline void unpack_scales(const byte* tile, UnpackedTile<L>& out) {
  const byte* mins = tile + L::kScalesBytes;
  for (int j = 0; j < 4; ++j) {
    const int at = 32 * j;
    if constexpr (!L::kSuper) {
      store(out.scale[0] + at, load_f16(tile + 16 * j));
      if constexpr (L::kHasMin) store(out.min + at, load_f16(mins + 16 * j));
    } else if constexpr (L::kGroup == 32) {
      store(out.scale[0] + at, load_equal_pairs(tile + 8 * j));
      store(out.min + at, _mm256_cvtepi32_ps(load_u8(mins + 8 * j)));
    } else {
      for (int g = 0; g < 2; ++g) {
        const byte* scales = tile + kTileRows * g + 8 * j;
        const __m256i scale = L::kHasMin ? load_u8(scales) : load_i8(scales);
        store(out.scale[g] + at, pair_of(scale, scale));
      }
      store(out.min + at, L::kHasMin ? load_group_pair<L>(mins, j)
                                     : _mm256_slli_epi16(load_group_pair<L>(tile, j), 5));
    }
  }
}

// n tiles under one header.
template <typename L>
static inline void unpack_block(const byte* header, int n, UnpackedBlock<L>& out) {
  for (int j = 0; L::kSuper && j < 4; ++j) {
    store(out.scale + 8 * j, load_f16(header + 16 * j));
    if constexpr (L::kHasMin) store(out.min + 8 * j, load_f16(header + 2 * kTileRows + 16 * j));
  }
  for (int i = 0; i < n; ++i) {
    const byte* tile = header + L::kHeaderBytes + i * L::kTileBytes;
    unpack_quants<L>(tile + L::kQuantsBegin, out.tiles[i]);
    unpack_scales<L>(tile, out.tiles[i]);
  }
}

}  // namespace tinyllm::avx2

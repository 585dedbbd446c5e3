#pragma once
// A panel of quantised weights times one token: decoding reads every weight once for this, so the
// speed is that of memory. One linear stream, 32 rows together, nothing stored on the way.

#include "base/fetch_ahead.h"
#include "kernels/cpu/avx2/panel_formats.h"

namespace tinyllm::avx2 {

// Planes of activations that go through a tile together: main alone, or main and residual.
template <int kPlanes>
struct TilePlanes {
  const std::int8_t* q[kPlanes];
  const std::int16_t* sum[kPlanes];
};

// Sums of products over a tile, 8 rows a register, in int16 pairs: columns of the first and of the
// second 16 apart when the format's groups are 16.
template <typename L, int kPlanes>
static inline void nibble_sums(const byte* quants, const TilePlanes<kPlanes>& x,
                               __m256i (&sums)[kPlanes][L::kGroups][4]) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < 4; ++j) {
      const __m256i line = load(quants + j / 2 * L::kHalfBytes + 64 * i + 32 * (j % 2));
      const __m256i w_low = low_nibbles(line), w_high = high_nibbles(line);
      for (int p = 0; p < kPlanes; ++p) {
        const __m256i low = _mm256_maddubs_epi16(w_low, repeat_4_bytes(x.q[p] + 4 * i));
        const __m256i high = _mm256_maddubs_epi16(w_high, repeat_4_bytes(x.q[p] + 16 + 4 * i));
        __m256i& first = sums[p][0][j];
        __m256i& last = sums[p][L::kGroups - 1][j];
        first = i == 0 ? low : _mm256_add_epi16(first, low);
        last = i == 0 && L::kGroups == 2 ? high : _mm256_add_epi16(last, high);
      }
    }
  }
}

// Groups of 32: int32 dots of a tile less the offset; with kSuper times the groups' whole scales.
template <typename L, int kPlanes>
static inline void group_dots(const byte* tile, const TilePlanes<kPlanes>& x,
                              __m256i (&dots)[kPlanes][4]) {
  const byte* quants = tile + L::kQuantsBegin;
  const auto add_pairs_of = [tile](__m256i sums, int j) {
    if constexpr (!L::kSuper) return add_pairs(sums);
    return _mm256_madd_epi16(sums, load_equal_pairs(tile + 8 * j));
  };
  if constexpr (L::kQuant == Quant::nibbles) {
    __m256i sums[kPlanes][1][4];
    nibble_sums<L, kPlanes>(quants, x, sums);
    for (int p = 0; p < kPlanes; ++p) {
      for (int j = 0; j < 4; ++j) dots[p][j] = add_pairs_of(sums[p][0][j], j);
    }
  } else {
    constexpr bool kSumIn16 = L::kQuant == Quant::five_bits;
    for (int p = 0; p < kPlanes; ++p) {
      for (int j = 0; j < 4; ++j) {
        const byte* lines = quants + j / 2 * L::kHalfBytes + 32 * (j % 2);
        dots[p][j] = _mm256_setzero_si256();
        for (int part = 0; part < 2; ++part) {
          __m256i sum = _mm256_setzero_si256();
          for (int i = 4 * part; i < 4 * part + 4; ++i) {
            const __m256i w = load(lines + 64 * i), four = repeat_4_bytes(x.q[p] + 4 * i);
            sum = kSumIn16 ? _mm256_add_epi16(sum, _mm256_maddubs_epi16(w, four))
                           : _mm256_add_epi32(sum, multiply_signed(w, four));
          }
          dots[p][j] = _mm256_add_epi32(dots[p][j], kSumIn16 ? add_pairs_of(sum, j) : sum);
        }
      }
    }
  }
  if constexpr (L::kOffset != 0) {
    for (int p = 0; p < kPlanes; ++p) {
      const __m256i off =
          _mm256_madd_epi16(repeat_4_bytes(x.sum[p]), _mm256_set1_epi16(-L::kOffset));
      for (int j = 0; j < 4; ++j) dots[p][j] = _mm256_add_epi32(dots[p][j], off);
    }
  }
}

// Groups of 16: int32 dots of both groups of a tile less the offset, each times its whole scale.
template <typename L, int kPlanes>
static inline void scaled_dots(const byte* tile, const TilePlanes<kPlanes>& x,
                               __m256i (&dots)[kPlanes][4]) {
  const byte* quants = tile + L::kQuantsBegin;
  if constexpr (L::kQuant == Quant::nibbles) {
    __m256i sums[kPlanes][2][4];
    nibble_sums<L, kPlanes>(quants, x, sums);
    for (int j = 0; j < 4; ++j) {
      const __m256i first = load_u8(tile + 8 * j), second = load_u8(tile + kTileRows + 8 * j);
      for (int p = 0; p < kPlanes; ++p) {
        dots[p][j] = _mm256_add_epi32(_mm256_madd_epi16(sums[p][0][j], pair_of(first, first)),
                                      _mm256_madd_epi16(sums[p][1][j], pair_of(second, second)));
      }
    }
  } else {
    for (int j = 0; j < 4; ++j) {
      const __m256i first = load_i8(tile + 8 * j), second = load_i8(tile + kTileRows + 8 * j);
      const __m256i first_pair = pair_of(first, first), second_pair = pair_of(second, second);
      const __m256i offsets = _mm256_slli_epi16(pair_of(first, second), 5);  // times 32
      for (int p = 0; p < kPlanes; ++p) {
        const __m256i off = _mm256_madd_epi16(repeat_4_bytes(x.sum[p]), offsets);
        dots[p][j] = _mm256_sub_epi32(_mm256_setzero_si256(), off);
      }
      for (int i = 0; i < 2; ++i) {
        const SixBits w = unpack_six_bits(quants + j / 2 * L::kHalfBytes, i, j % 2);
        for (int p = 0; p < kPlanes; ++p) {
          const std::int8_t* q = x.q[p] + 8 * i;
          const __m256i low =
              _mm256_add_epi16(_mm256_maddubs_epi16(w.first[0], repeat_4_bytes(q)),
                               _mm256_maddubs_epi16(w.first[1], repeat_4_bytes(q + 4)));
          const __m256i high =
              _mm256_add_epi16(_mm256_maddubs_epi16(w.second[0], repeat_4_bytes(q + 16)),
                               _mm256_maddubs_epi16(w.second[1], repeat_4_bytes(q + 20)));
          dots[p][j] =
              _mm256_add_epi32(dots[p][j], _mm256_add_epi32(_mm256_madd_epi16(low, first_pair),
                                                            _mm256_madd_epi16(high, second_pair)));
        }
      }
    }
  }
}

// sums[32 rows] += the dots of one tile and plane. `t`: the tile's index along k. kInUnits: in
// units of the rows' super-scales.
template <typename L, bool kResidual, bool kInUnits>
static inline void add_dots(const byte* header, const byte* tile, const QuantPlane& x,
                            const float* scaled_sum, std::int64_t t, const __m256i (&dots)[4],
                            __m256 (&sums)[4]) {
  const __m256 x_scale = _mm256_broadcast_ss(x.scale + t);
  const byte* mins = tile + L::kScalesBytes;
  for (int j = 0; j < 4; ++j) {
    __m256 scale = x_scale;
    if constexpr (!kInUnits)
      scale = _mm256_mul_ps(load_f16((L::kSuper ? header : tile) + 16 * j), x_scale);
    sums[j] = _mm256_fmadd_ps(scale, _mm256_cvtepi32_ps(dots[j]), sums[j]);
    if constexpr (L::kHasMin && !L::kSuper && !kResidual) {
      sums[j] =
          _mm256_fnmadd_ps(load_f16(mins + 16 * j), _mm256_broadcast_ss(scaled_sum + t), sums[j]);
    } else if constexpr (L::kHasMin && L::kGroup == 16 && kResidual) {
      const __m256 min = _mm256_mul_ps(load_f16(header + 2 * kTileRows + 16 * j), x_scale);
      sums[j] =
          _mm256_fnmadd_ps(min, group_mins(x.sum + 2 * t, load_group_pair<L>(mins, j)), sums[j]);
    }
  }
}

// acc -= the mins of a super-block's n tiles times the sums of x's tiles from `first` on.
template <typename L>
static inline void subtract_mins(const byte* header, int n, const QuantisedRow& x,
                                 std::int64_t first, __m256 (&acc)[4]) {
  __m256 sums[4];
  for (int j = 0; j < 4; ++j) sums[j] = _mm256_setzero_ps();
  for (int i = 0; i < n; ++i) {
    const byte* mins = header + L::kHeaderBytes + i * L::kTileBytes + L::kScalesBytes;
    const std::int64_t t = first + i;
    for (int j = 0; j < 4; ++j) {
      if constexpr (L::kGroup == 32) {
        sums[j] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(load_u8(mins + 8 * j)),
                                  _mm256_broadcast_ss(x.scaled_sum + t), sums[j]);
      } else {
        sums[j] = _mm256_fmadd_ps(group_mins(x.main.sum + 2 * t, load_group_pair<L>(mins, j)),
                                  _mm256_broadcast_ss(x.main.scale + t), sums[j]);
      }
    }
  }
  for (int j = 0; j < 4; ++j)
    acc[j] = _mm256_fnmadd_ps(load_f16(header + 2 * kTileRows + 16 * j), sums[j], acc[j]);
}

// One tile: sums += the main plane; the residual's dots are kept for later when there is one.
template <typename L, int kPlanes>
static inline void add_tile(const byte* header, const byte* tile, const QuantisedRow& x,
                            std::int64_t t, __m256i* residual_dots, __m256 (&sums)[4]) {
  const QuantPlane* planes[2] = {&x.main, &x.residual};
  TilePlanes<kPlanes> at;
  for (int p = 0; p < kPlanes; ++p) {
    at.q[p] = planes[p]->q + kTileCols * t;
    at.sum[p] = planes[p]->sum + 2 * t;
  }
  __m256i dots[kPlanes][4];
  if constexpr (L::kGroup == 32) {
    group_dots<L, kPlanes>(tile, at, dots);
  } else {
    scaled_dots<L, kPlanes>(tile, at, dots);
  }
  add_dots<L, false, L::kSuper>(header, tile, x.main, x.scaled_sum, t, dots[0], sums);
  if constexpr (kPlanes == 2) {
    for (int j = 0; j < 4; ++j) residual_dots[j] = dots[1][j];
  }
}

template <typename L>
static void panel_times_one(const byte* panel, std::int64_t k, const QuantisedRow& x, float* y) {
  __m256 acc[4];
  for (int j = 0; j < 4; ++j) acc[j] = _mm256_setzero_ps();
  const std::int64_t n_tiles = k / kTileCols;
  const byte* header = panel;
  for (std::int64_t first = 0; first < n_tiles; first += kSuperTiles) {
    const byte* tiles = header + L::kHeaderBytes;
    const int n = static_cast<int>(n_tiles - first < kSuperTiles ? n_tiles - first : kSuperTiles);
    const unsigned split = x.split[first / kSuperTiles];
    __m256i residual_dots[kSuperTiles][4];
    __m256 units[4];
    for (int j = 0; j < 4; ++j) units[j] = _mm256_setzero_ps();
    __m256(&sums)[4] = L::kSuper ? units : acc;
    for (int i = 0; i < n; ++i) {
      const byte* tile = tiles + i * L::kTileBytes;
      for (int line = 0; line < L::kTileBytes; line += 64)
        _mm_prefetch(reinterpret_cast<const char*>(tile) + kFetchAhead + line, _MM_HINT_T0);
      if ((split >> i & 1u) != 0) {
        add_tile<L, 2>(header, tile, x, first + i, residual_dots[i], sums);
      } else {
        add_tile<L, 1>(header, tile, x, first + i, nullptr, sums);
      }
    }
    for (int j = 0; L::kSuper && j < 4; ++j)
      acc[j] = _mm256_fmadd_ps(load_f16(header + 16 * j), units[j], acc[j]);
    if constexpr (L::kSuper && L::kHasMin) subtract_mins<L>(header, n, x, first, acc);
    for (int i = 0; i < n; ++i) {
      if ((split >> i & 1u) == 0) continue;
      add_dots<L, true, false>(header, tiles + i * L::kTileBytes, x.residual, x.scaled_sum,
                               first + i, residual_dots[i], acc);
    }
    header = tiles + n * L::kTileBytes;
  }
  for (int j = 0; j < 4; ++j) _mm256_storeu_ps(y + 8 * j, acc[j]);
}

}  // namespace tinyllm::avx2

#pragma once
// A panel of quantised weights times several tokens: prefill and batches. Each super-block of 8
// tiles is unpacked once, to bytes and f32 scales that stay in L1, and then swept by all tokens,
// V::kPassRows rows x V::kPassTokens tokens at a time: their int32 sums fill the registers. The f32
// sums live in y between tiles. The operations on a row and their order are those of one_token.h.

#include "kernels/cpu/panels/quant_formats.h"

namespace tinyllm::panels {

// A tile after unpacking. Formats that differ before that only have their sweeps in common.
template <int kNumGroups, bool kWithMin, int kQuantOffset>
struct alignas(64) UnpackedTile {
  static constexpr int kGroups = kNumGroups;
  static constexpr bool kHasMin = kWithMin;
  static constexpr int kOffset = kQuantOffset;

  byte quants[2][8][64];  // [half][4 columns][16 rows][4]
  float scale[kGroups][kTileRows];
  float min[kGroups][kTileRows];
};
template <typename V, typename L>
using UnpackedFrom = UnpackedTile<L::kGroups, L::kHasMin, kOffsetOf<V, L>>;

template <typename V, typename L>
[[gnu::always_inline]] static inline void unpack_tile(const byte* header, const byte* tile,
                                                      UnpackedFrom<V, L>& out) {
  for (int j = 0; j < kRegisters<V>; ++j) {
    const int row = V::kRows * j;
    typename V::Bytes lines[8];
    unpack_lines<V, L>(quants_of<V, L>(tile, j), lines);
    for (int i = 0; i < 8; ++i) V::store(out.quants[row / 16][i] + 4 * (row % 16), lines[i]);
    for (int g = 0; g < L::kGroups; ++g) {
      V::store(out.scale[g] + row, load_scale<V, L>(header, tile, j, g));
      if constexpr (L::kHasMin) V::store(out.min[g] + row, load_min<V, L>(header, tile, j, g));
    }
  }
}

// dots += the 4 columns from 4 i on of kPassRows rows times the tokens' activations, which are the
// columns from 4 kLane on of the 16 in x. V::pin keeps the compiler from moving additions past each
// other: it would need more registers than there are and spill the sums.
template <typename V, int kTokens, int kLane, int kRegs>
[[gnu::always_inline]] static inline void add_line(const byte* const (&rows)[kRegs], int i,
                                                   const typename V::Columns (&x)[kTokens],
                                                   typename V::Ints (&dots)[kTokens][kRegs]) {
  typename V::Bytes w[kRegs];
  for (int r = 0; r < kRegs; ++r) w[r] = V::load(rows[r] + 64 * i);
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
#pragma GCC unroll 4
    for (int r = 0; r < kRegs; ++r) {
      dots[t][r] = V::template dot<kLane>(dots[t][r], w[r], x[t]);
      V::pin(dots[t][r]);
    }
  }
}

// kPassRows sums from first_row on += these rows of one tile times the tokens.
template <typename V, typename Tile, bool kWithMin, int kTokens>
[[gnu::always_inline]] static inline void sweep_tile(const Tile& w, std::int64_t tile,
                                                     int first_row, const PanelToken* x) {
  constexpr int kRegs = V::kPassRows / V::kRows;
  const byte* rows[kRegs];
  for (int r = 0; r < kRegs; ++r) {
    const int row = first_row + V::kRows * r;
    rows[r] = w.quants[row / 16][0] + 4 * (row % 16);
  }
  const std::int8_t* q[kTokens];
  for (int t = 0; t < kTokens; ++t) q[t] = x[t].q + kTileCols * tile;
#pragma GCC unroll 2
  for (int g = 0; g < Tile::kGroups; ++g) {
    typename V::Ints dots[kTokens][kRegs];
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      const auto begin = begin_sum<V, Tile::kGroups, Tile::kOffset>(x[t].sum + 2 * tile, g);
      for (int r = 0; r < kRegs; ++r) dots[t][r] = begin;
    }
    constexpr int kParts = 2 / Tile::kGroups;  // 16 columns each
#pragma GCC unroll 2
    for (int part = kParts * g; part < kParts * (g + 1); ++part) {
      typename V::Columns columns[kTokens];
#pragma GCC unroll 8
      for (int t = 0; t < kTokens; ++t) columns[t] = V::load_columns(q[t] + 16 * part);
      add_line<V, kTokens, 0>(rows, 4 * part, columns, dots);
      add_line<V, kTokens, 1>(rows, 4 * part + 1, columns, dots);
      add_line<V, kTokens, 2>(rows, 4 * part + 2, columns, dots);
      add_line<V, kTokens, 3>(rows, 4 * part + 3, columns, dots);
    }
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      const auto x_scale = V::broadcast(x[t].scale[tile]);
#pragma GCC unroll 4
      for (int r = 0; r < kRegs; ++r) {
        const int row = first_row + V::kRows * r;
        float* place = x[t].y + row;
        const auto scale = V::mul(V::load_f32(w.scale[g] + row), x_scale);
        auto acc = V::fma(scale, V::to_floats(dots[t][r]), V::load_f32(place));
        if constexpr (kWithMin && Tile::kGroups == 2) {
          const auto min = V::mul(V::load_f32(w.min[g] + row), x_scale);
          const auto sum = static_cast<float>(x[t].sum[2 * tile + g]);
          acc = V::fnma(min, V::broadcast(sum), acc);
        } else if constexpr (kWithMin) {
          acc = V::fnma(V::load_f32(w.min[g] + row), V::broadcast(x[t].scaled_sum[tile]), acc);
        }
        V::store(place, acc);
      }
    }
  }
}

// The tiles that the next sweep needs, which come from memory during this one.
struct Ahead {
  const byte* from = nullptr;  // nullptr: none
  int tile_bytes = 0;
};

template <typename V, typename Tile, bool kWithMin, int kTokens>
static void sweep(const Tile* tiles, int n_tiles, std::int64_t first_tile, const PanelToken* tokens,
                  Ahead ahead) {
  PanelToken x[kTokens];
  for (int t = 0; t < kTokens; ++t) x[t] = tokens[t];
  for (int row = 0; row < kTileRows; row += V::kPassRows) {
    for (int i = 0; i < n_tiles; ++i) {
      if (row == 0 && ahead.from != nullptr)
        prefetch(ahead.from + i * ahead.tile_bytes, ahead.tile_bytes);
      sweep_tile<V, Tile, kWithMin, kTokens>(tiles[i], first_tile + i, row, x);
    }
  }
}

// One pass of `width` tokens, kMaxTokens at most.
template <typename V, typename Tile, bool kWithMin, int kMaxTokens>
static inline void sweep_width(const Tile* tiles, int n_tiles, std::int64_t first_tile,
                               const PanelToken* x, std::int64_t width, Ahead ahead) {
  if constexpr (kMaxTokens > 1) {
    if (width < kMaxTokens) {
      return sweep_width<V, Tile, kWithMin, kMaxTokens - 1>(tiles, n_tiles, first_tile, x, width,
                                                            ahead);
    }
  }
  sweep<V, Tile, kWithMin, kMaxTokens>(tiles, n_tiles, first_tile, x, ahead);
}

// Any number of tokens in passes of full width, the last two of equal width: 7 are 4 + 3.
template <typename V, typename Tile, bool kWithMin>
static void sweep_tokens(const Tile* tiles, int n_tiles, std::int64_t first_tile,
                         const PanelToken* x, std::int64_t n_tokens, Ahead ahead = {}) {
  for (std::int64_t t = 0; t < n_tokens;) {
    constexpr std::int64_t kMost = V::kPassTokens;
    const std::int64_t left = n_tokens - t;
    const std::int64_t width = left >= 2 * kMost ? kMost : left > kMost ? (left + 1) / 2 : left;
    sweep_width<V, Tile, kWithMin, V::kPassTokens>(tiles, n_tiles, first_tile, x + t, width, ahead);
    t += width;
    ahead = {};
  }
}

template <typename V, typename L>
static void panel_times_many(const byte* panel, std::int64_t k, const QuantisedRow* x,
                             const Residuals& residuals, std::int64_t n_tokens, float* y,
                             std::int64_t y_stride) {
  using Tile = UnpackedFrom<V, L>;
  // Mins of groups of 32 are done with the main plane, whose pass takes both planes' sums.
  constexpr bool kResidualMin = Tile::kHasMin && Tile::kGroups == 2;
  PanelToken main[kMaxPanelTokens], rest[kMaxPanelTokens];
  begin_tokens(x, n_tokens, y, y_stride, main);
  Tile tiles[kSuperTiles];
  const std::int64_t n_tiles = k / kTileCols;
  for (std::int64_t first = 0; first < n_tiles; first += kSuperTiles) {
    const byte* header = panel + first / kSuperTiles * L::kHeaderBytes + first * L::kTileBytes;
    const byte* tile = header + L::kHeaderBytes;
    const int n = static_cast<int>(n_tiles - first < kSuperTiles ? n_tiles - first : kSuperTiles);
    for (int i = 0; i < n; ++i) unpack_tile<V, L>(header, tile + i * L::kTileBytes, tiles[i]);
    const Ahead ahead = {tile + n * L::kTileBytes, L::kTileBytes};  // or the next panel's first
    sweep_tokens<V, Tile, L::kHasMin>(tiles, n, first, main, n_tokens, ahead);
    for (int i = 0; i < n; ++i) {
      const std::int64_t n_split = residual_tokens(residuals, first + i, main, rest);
      sweep_tokens<V, Tile, kResidualMin>(tiles + i, 1, 0, rest, n_split);
    }
  }
}

}  // namespace tinyllm::panels

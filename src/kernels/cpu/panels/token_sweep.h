#pragma once
// Tiles of a super-block times several tokens, V::kPassRows rows x V::kPassTokens tokens at a time:
// their int32 sums fill the registers. The f32 sums live in y between tiles. The operations on a row
// and their order are those of one_token.h.
//
// Tiles is what tiles[i] gives a tile of: one that lies unpacked (many_tokens.h), or one that is
// unpacked as it is read (few_tokens.h). A tile has kGroups, groups of columns, kOffset, what was
// added to its quants, and rows_from(row): kPassRows rows from there on, with
//   line(r, i)               their 4 columns from 4 i on, of the rows of register r
//   scales_of(g), mins_of(g) for group g: [r] gives register r

#include <type_traits>

#include "kernels/cpu/panels/quant_formats.h"

namespace tinyllm::panels {

// dots += line i of the rows times the tokens' activations, which are
// columns 4 kLane to 4 kLane + 3 of the 16 in x. V::pin keeps the compiler from moving additions
// past each other: it would need more registers than there are and spill the sums.
template <typename V, int kTokens, int kLane, int kRegs, typename Rows>
[[gnu::always_inline]] static inline void add_line(const Rows& rows, int i,
                                                   const typename V::Columns (&x)[kTokens],
                                                   typename V::Ints (&dots)[kTokens][kRegs]) {
  typename V::Bytes w[kRegs];
#pragma GCC unroll 4
  for (int r = 0; r < kRegs; ++r) w[r] = rows.line(r, i);
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
  const std::int8_t* q[kTokens];
  for (int t = 0; t < kTokens; ++t) q[t] = x[t].q + kTileCols * tile;
  const auto rows = w.rows_from(first_row);
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
      add_line<V, kTokens, 0, kRegs>(rows, 4 * part, columns, dots);
      add_line<V, kTokens, 1, kRegs>(rows, 4 * part + 1, columns, dots);
      add_line<V, kTokens, 2, kRegs>(rows, 4 * part + 2, columns, dots);
      add_line<V, kTokens, 3, kRegs>(rows, 4 * part + 3, columns, dots);
    }
    const auto scales = rows.scales_of(g);
    const auto mins = rows.mins_of(g);  // nothing is read where there are none
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      const auto x_scale = V::broadcast(x[t].scale[tile]);
#pragma GCC unroll 4
      for (int r = 0; r < kRegs; ++r) {
        float* place = x[t].y + first_row + V::kRows * r;
        const auto scale = V::mul(scales[r], x_scale);
        auto acc = V::fma(scale, V::to_floats(dots[t][r]), V::load_f32(place));
        if constexpr (kWithMin && Tile::kGroups == 2) {
          const auto min = V::mul(mins[r], x_scale);
          const auto sum = static_cast<float>(x[t].sum[2 * tile + g]);
          acc = V::fnma(min, V::broadcast(sum), acc);
        } else if constexpr (kWithMin) {
          acc = V::fnma(mins[r], V::broadcast(x[t].scaled_sum[tile]), acc);
        }
        V::store(place, acc);
      }
    }
  }
}

// The tiles that come from memory during this sweep.
struct Ahead {
  const byte* from = nullptr;  // nullptr: none
  int tile_bytes = 0;
};

template <typename V, typename Tiles, bool kWithMin, int kTokens>
static void sweep(Tiles tiles, int n_tiles, std::int64_t first_tile, const PanelToken* tokens,
                  Ahead ahead) {
  PanelToken x[kTokens];
  for (int t = 0; t < kTokens; ++t) x[t] = tokens[t];
  for (int row = 0; row < kTileRows; row += V::kPassRows) {
    for (int i = 0; i < n_tiles; ++i) {
      if (row == 0 && ahead.from != nullptr)
        prefetch(ahead.from + i * ahead.tile_bytes, ahead.tile_bytes);
      using Tile = std::remove_cvref_t<decltype(tiles[i])>;
      sweep_tile<V, Tile, kWithMin, kTokens>(tiles[i], first_tile + i, row, x);
    }
  }
}

// One pass of `width` tokens, kMaxTokens at most.
template <typename V, typename Tiles, bool kWithMin, int kMaxTokens>
static inline void sweep_width(Tiles tiles, int n_tiles, std::int64_t first_tile,
                               const PanelToken* x, std::int64_t width, Ahead ahead) {
  if constexpr (kMaxTokens > 1) {
    if (width < kMaxTokens) {
      return sweep_width<V, Tiles, kWithMin, kMaxTokens - 1>(tiles, n_tiles, first_tile, x, width,
                                                             ahead);
    }
  }
  sweep<V, Tiles, kWithMin, kMaxTokens>(tiles, n_tiles, first_tile, x, ahead);
}

// Any number of tokens in passes of full width, the last two of equal width: 7 are 4 + 3.
template <typename V, typename Tiles, bool kWithMin>
static void sweep_tokens(Tiles tiles, int n_tiles, std::int64_t first_tile, const PanelToken* x,
                         std::int64_t n_tokens, Ahead ahead = {}) {
  for (std::int64_t t = 0; t < n_tokens;) {
    constexpr std::int64_t kMost = V::kPassTokens;
    const std::int64_t left = n_tokens - t;
    const std::int64_t width = left >= 2 * kMost ? kMost : left > kMost ? (left + 1) / 2 : left;
    sweep_width<V, Tiles, kWithMin, V::kPassTokens>(tiles, n_tiles, first_tile, x + t, width,
                                                    ahead);
    t += width;
    ahead = {};
  }
}

}  // namespace tinyllm::panels

#pragma once
// A panel of quantised weights times several tokens: prefill and batches. Each super-block of 8
// tiles is unpacked once, to bytes and f32 scales that stay in L1, and then swept by all tokens.

#include "kernels/cpu/panels/token_sweep.h"

namespace tinyllm::panels {

// Registers of f32 that are read where they are used.
template <typename V>
struct FloatsAt {
  const float* at;
  [[gnu::always_inline]] typename V::Floats operator[](int r) const {
    return V::load_f32(at + V::kRows * r);
  }
};

// A tile after unpacking. Formats that differ before that only have their sweeps in common.
template <typename V, int kNumGroups, bool kWithMin, int kQuantOffset>
struct alignas(64) UnpackedTile {
  static constexpr int kGroups = kNumGroups;
  static constexpr bool kHasMin = kWithMin;
  static constexpr int kOffset = kQuantOffset;

  byte quants[2][8][64];  // [half][4 columns][16 rows][4]
  float scale[kGroups][kTileRows];
  float min[kGroups][kTileRows];

  struct Rows {
    const UnpackedTile& tile;
    int first;
    const byte* quants[V::kPassRows / V::kRows];

    [[gnu::always_inline]] typename V::Bytes line(int r, int i) const {
      return V::load(quants[r] + 64 * i);
    }
    [[gnu::always_inline]] FloatsAt<V> scales_of(int g) const { return {tile.scale[g] + first}; }
    [[gnu::always_inline]] FloatsAt<V> mins_of(int g) const { return {tile.min[g] + first}; }
  };
  [[gnu::always_inline]] Rows rows_from(int first) const {
    Rows rows{*this, first, {}};
    for (int r = 0; r < V::kPassRows / V::kRows; ++r) {
      const int row = first + V::kRows * r;
      rows.quants[r] = quants[row / 16][0] + 4 * (row % 16);
    }
    return rows;
  }
};
template <typename V, typename L>
using UnpackedFrom = UnpackedTile<V, L::kGroups, L::kHasMin, kOffsetOf<V, L>>;

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
    sweep_tokens<V, const Tile*, L::kHasMin>(tiles, n, first, main, n_tokens, ahead);
    for (int i = 0; i < n; ++i) {
      const std::int64_t n_split = residual_tokens(residuals, first + i, main, rest);
      sweep_tokens<V, const Tile*, kResidualMin>(tiles + i, 1, 0, rest, n_split);
    }
  }
}

}  // namespace tinyllm::panels

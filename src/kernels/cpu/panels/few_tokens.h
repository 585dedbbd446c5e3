#pragma once
// A panel of quantised weights times a few tokens: a handful of texts, or a text and its drafts.
// The weights pass as one linear stream from memory, as for one token, and are unpacked into
// registers that all tokens of a pass use; nothing is stored on the way.

#include "base/fetch_ahead.h"
#include "kernels/cpu/panels/token_sweep.h"

namespace tinyllm::panels {

// So many tokens are faster here than in many_tokens.h. Two groups a tile make the passes dear.
template <typename V, typename L>
constexpr std::int64_t kMostFew = L::kGroups == 1 ? V::kFewTokens : V::kPassTokens - 1;

// A tile that is unpacked as it is read.
template <typename V, typename L>
struct PackedTile {
  static constexpr int kGroups = L::kGroups;
  static constexpr int kOffset = kOffsetOf<V, L>;

  static constexpr int kRegs = V::kPassRows / V::kRows;

  const byte* header;
  const byte* tile;

  struct Rows {
    const byte* header;
    const byte* tile;
    int first;  // register of the panel
    const byte* quants[kRegs];

    struct Floats {
      typename V::Floats registers[kRegs];
      [[gnu::always_inline]] typename V::Floats operator[](int r) const { return registers[r]; }
    };

    [[gnu::always_inline]] typename V::Bytes line(int r, int i) const {
      return unpack_line<V, L>(quants[r], i);
    }
    [[gnu::always_inline]] Floats scales_of(int g) const {
      Floats scales{};
      for (int r = 0; r < kRegs; ++r)
        scales.registers[r] = load_scale<V, L>(header, tile, first + r, g);
      return scales;
    }
    [[gnu::always_inline]] Floats mins_of(int g) const {
      Floats mins{};
      for (int r = 0; L::kHasMin && r < kRegs; ++r)
        mins.registers[r] = load_min<V, L>(header, tile, first + r, g);
      return mins;
    }
  };
  [[gnu::always_inline]] Rows rows_from(int row) const {
    Rows rows{header, tile, row / V::kRows, {}};
    for (int r = 0; r < kRegs; ++r) rows.quants[r] = quants_of<V, L>(tile, rows.first + r);
    return rows;
  }
};

template <typename V, typename L>
struct PackedTiles {
  const byte* header;
  const byte* first;

  [[gnu::always_inline]] PackedTile<V, L> operator[](int i) const {
    return {header, first + i * L::kTileBytes};
  }
};

template <typename V, typename L>
static void panel_times_few(const byte* panel, std::int64_t k, const QuantisedRow* x,
                            const Residuals& residuals, std::int64_t n_tokens, float* y,
                            std::int64_t y_stride) {
  using Tiles = PackedTiles<V, L>;
  // Mins of groups of 32 are done with the main plane, whose pass takes both planes' sums.
  constexpr bool kResidualMin = L::kHasMin && L::kGroups == 2;
  PanelToken main[kMostFew<V, L>], rest[kMostFew<V, L>];
  begin_tokens(x, n_tokens, y, y_stride, main);
  const std::int64_t n_tiles = k / kTileCols;
  const byte* header = panel;
  for (std::int64_t first = 0; first < n_tiles; first += kSuperTiles) {
    const Tiles tiles = {header, header + L::kHeaderBytes};
    const int n = static_cast<int>(n_tiles - first < kSuperTiles ? n_tiles - first : kSuperTiles);
    const Ahead ahead = {tiles.first + kFetchAhead, L::kTileBytes};
    sweep_tokens<V, Tiles, L::kHasMin>(tiles, n, first, main, n_tokens, ahead);
    for (int i = 0; i < n; ++i) {
      const std::int64_t n_split = residual_tokens(residuals, first + i, main, rest);
      sweep_tokens<V, Tiles, kResidualMin>({header, tiles[i].tile}, 1, 0, rest, n_split);
    }
    header = tiles[n].tile;
  }
}

}  // namespace tinyllm::panels

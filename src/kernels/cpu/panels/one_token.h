#pragma once
// A panel of quantised weights times one token: decoding reads every weight once for this, so the
// speed is that of memory. One linear stream, nothing stored on the way.

#include "base/fetch_ahead.h"
#include "kernels/cpu/panels/quant_formats.h"

namespace tinyllm::panels {

// Int32 dots of the rows of one register with a tile's activations, [group].
template <typename V, typename L>
[[gnu::always_inline]] static inline void register_dots(const typename V::Bytes (&lines)[8],
                                                        const QuantPlane& x, std::int64_t t,
                                                        typename V::Ints (&dots)[L::kGroups]) {
  const std::int8_t* q = x.q + kTileCols * t;
  const std::int16_t* sum = x.sum + 2 * t;
  const auto columns_0 = V::load_columns(q), columns_1 = V::load_columns(q + 16);
  constexpr auto kBegin = begin_sum<V, L::kGroups, kOffsetOf<V, L>>;
  // Two sums at a time: each waits for its own last result.
  dots[0] = dot_16<V>(kBegin(sum, 0), lines, columns_0);
  if constexpr (L::kGroups == 2) {
    dots[1] = dot_16<V>(kBegin(sum, 1), lines + 4, columns_1);
  } else {
    dots[0] = V::add(dots[0], dot_16<V>(V::zero(), lines + 4, columns_1));
  }
}

// acc += one tile's part of one plane, for the rows of register j.
template <typename V, typename L, bool kResidual>
[[gnu::always_inline]] static inline void add_dots(const byte* header, const byte* tile, int j,
                                                   const QuantPlane& x, const float* scaled_sum,
                                                   std::int64_t t,
                                                   const typename V::Ints (&dots)[L::kGroups],
                                                   typename V::Floats& acc) {
  const auto x_scale = V::broadcast(x.scale[t]);
  for (int g = 0; g < L::kGroups; ++g) {
    const auto scale = V::mul(load_scale<V, L>(header, tile, j, g), x_scale);
    acc = V::fma(scale, V::to_floats(dots[g]), acc);
    if constexpr (L::kHasMin && L::kGroup == 16) {
      const auto min = V::mul(load_min<V, L>(header, tile, j, g), x_scale);
      acc = V::fnma(min, V::broadcast(static_cast<float>(x.sum[2 * t + g])), acc);
    } else if constexpr (L::kHasMin && !kResidual) {
      acc = V::fnma(load_min<V, L>(header, tile, j, g), V::broadcast(scaled_sum[t]), acc);
    }
  }
}

// One tile: acc += the main plane; the dots of the residual plane are kept when there is one.
template <typename V, typename L, bool kSplit>
[[gnu::always_inline]] static inline void add_tile(
    const byte* header, const byte* tile, const QuantisedRow& x, std::int64_t t,
    typename V::Ints (&residual)[kRegisters<V>][L::kGroups],
    typename V::Floats (&acc)[kRegisters<V>]) {
  for (int j = 0; j < kRegisters<V>; ++j) {
    typename V::Bytes lines[8];
    unpack_lines<V, L>(quants_of<V, L>(tile, j), lines);
    typename V::Ints dots[L::kGroups];
    register_dots<V, L>(lines, x.main, t, dots);
    add_dots<V, L, false>(header, tile, j, x.main, x.scaled_sum, t, dots, acc[j]);
    if constexpr (kSplit) register_dots<V, L>(lines, x.residual, t, residual[j]);
  }
}

template <typename V, typename L>
static void panel_times_one(const byte* panel, std::int64_t k, const QuantisedRow& x, float* y) {
  constexpr int kRegs = kRegisters<V>;
  typename V::Floats acc[kRegs];
  for (int j = 0; j < kRegs; ++j) acc[j] = V::broadcast(0.0f);
  const std::int64_t n_tiles = k / kTileCols;
  const byte* header = panel;
  for (std::int64_t first = 0; first < n_tiles; first += kSuperTiles) {
    const byte* tiles = header + L::kHeaderBytes;
    const int n = static_cast<int>(n_tiles - first < kSuperTiles ? n_tiles - first : kSuperTiles);
    const unsigned split = x.split[first / kSuperTiles];
    typename V::Ints residual[kSuperTiles][kRegs][L::kGroups];
    for (int i = 0; i < n; ++i) {
      const byte* tile = tiles + i * L::kTileBytes;
      prefetch(tile + kFetchAhead, L::kTileBytes);
      if ((split >> i & 1u) != 0) {
        add_tile<V, L, true>(header, tile, x, first + i, residual[i], acc);
      } else {
        add_tile<V, L, false>(header, tile, x, first + i, residual[i], acc);
      }
    }
    for (int i = 0; i < n; ++i) {
      if ((split >> i & 1u) == 0) continue;
      const byte* tile = tiles + i * L::kTileBytes;
      for (int j = 0; j < kRegs; ++j) {
        add_dots<V, L, true>(header, tile, j, x.residual, x.scaled_sum, first + i, residual[i][j],
                             acc[j]);
      }
    }
    header = tiles + n * L::kTileBytes;
  }
  for (int j = 0; j < kRegs; ++j) V::store(y + V::kRows * j, acc[j]);
}

}  // namespace tinyllm::panels

#pragma once
// A panel of quantised weights times many tokens. A super-block of 8 tiles is unpacked once. Then the
// matrix units multiply each group of columns with 16 tokens at a time into int32, and AVX-512 scales
// and adds what they made for the 16 tokens before: both work at the same time. The operations on a
// row and their order are those of avx512/one_token.h, so are the bits. T: see tile_shapes.h.

#include "kernels/cpu/amx/amx_kernels.h"
#include "kernels/cpu/amx/tile_shapes.h"
#include "kernels/cpu/amx/unpacked_super_block.h"

namespace tinyllm::amx {

#ifndef TINYLLM_AMX_PART_UNITS
#define TINYLLM_AMX_PART_UNITS 8
#endif
// Units whose products are made before they are scaled.
inline constexpr int kPartUnits = TINYLLM_AMX_PART_UNITS;

// The products of a unit with up to 16 tokens.
struct alignas(64) Products {
  std::int32_t dot[2][kTileTokens][16];  // [half][token][row]
};

// Tile registers: 0 and 1 sums of the halves, 2 tokens, 3 and 4 weights of the halves; 5 and 6 sums,
// 7 tokens of residual planes.
template <typename L>
static inline void set_shapes(auto& tiles, std::int64_t width) {
  const auto n = static_cast<std::uint8_t>(width), group = static_cast<std::uint8_t>(L::kGroup);
  const TileShape weights = {static_cast<std::uint8_t>(group / 4), 64};
  tiles.configure(
      {{n, 64}, {n, 64}, {n, group}, weights, weights, {16, 64}, {16, 64}, {16, group}});
}

// A super-block in one call.
template <typename L>
struct SuperBlock {
  const UnpackedTile<L>* tiles;
  const std::int8_t* q;  // [n_tokens] rows of the super-block's activations
  std::int64_t q_stride;
  const TokenScales<L>* scales;  // [n_tokens]
  float* y;
  std::int64_t y_stride;
};

// Makes the products of units [begin, end) with the tokens of a tile, half by half: each call of
// next() is one product of the matrix unit.
template <typename T, typename L>
class Producer {
 public:
  Producer(T& tiles, const SuperBlock<L>& block) : tiles_(&tiles), block_(&block) {}
  void begin(std::int64_t token, int first_unit, int n_units, Products* out) {
    q_ = block_->q + token * block_->q_stride;
    unit_ = first_unit;
    end_ = first_unit + n_units;
    out_ = out;
  }
  [[gnu::always_inline]] inline void next() {
    if (unit_ == end_) return;
    const UnpackedTile<L>& w = block_->tiles[unit_ / L::kGroups];
    const int line = unit_ % L::kGroups * (L::kGroup / 4);
    if (!second_) {
      tiles_->template load<2>(q_ + L::kGroup * unit_, block_->q_stride);
      tiles_->template load<3>(w.quants[0][line], 64);
      tiles_->template zero<0>();
      tiles_->template dot_i8<0, 2, 3, kSigned<L>>();
      tiles_->template store<0>(out_->dot[0], 64);
    } else {
      tiles_->template load<4>(w.quants[1][line], 64);
      tiles_->template zero<1>();
      tiles_->template dot_i8<1, 2, 4, kSigned<L>>();
      tiles_->template store<1>(out_->dot[1], 64);
      ++unit_;
      ++out_;
    }
    second_ = !second_;
  }
  void finish() {
    while (unit_ != end_) next();
  }

 private:
  T* tiles_;
  const SuperBlock<L>* block_;
  const std::int8_t* q_ = nullptr;
  Products* out_ = nullptr;
  int unit_ = 0, end_ = 0;
  bool second_ = false;
};

// acc += a unit's products with one token: (scale x_scale) dot, then the min's part.
template <typename L, bool kResidual>
[[gnu::always_inline]] static inline __m512 add_product(__m512 acc, const std::int32_t* dot,
                                                        __m512 scale, __m512 min, __m512 x_scale,
                                                        const float* sum) {
  const __m512 dots = _mm512_cvtepi32_ps(_mm512_loadu_si512(dot));
  acc = _mm512_fmadd_ps(_mm512_mul_ps(scale, x_scale), dots, acc);
  if constexpr (L::kHasMin && L::kGroups == 2) {
    acc = _mm512_fnmadd_ps(_mm512_mul_ps(min, x_scale), _mm512_set1_ps(*sum), acc);
  } else if constexpr (L::kHasMin && !kResidual) {
    acc = _mm512_fnmadd_ps(min, _mm512_set1_ps(*sum), acc);
  }
  return acc;
}

// y of kTokens tokens += units [first_unit, first_unit + n_units), whose products begin with row
// `row`. After each unit the matrix unit gets its next product.
template <typename T, typename L, int kTokens>
static inline void add_units(const SuperBlock<L>& block, int first_unit, int n_units,
                             const Products* products, int row, std::int64_t token,
                             Producer<T, L>& producer) {
  float* y = block.y + token * block.y_stride;
  const TokenScales<L>* x = block.scales + token;
  __m512 acc[kTokens][2];
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
    for (int half = 0; half < 2; ++half)
      acc[t][half] = _mm512_loadu_ps(y + t * block.y_stride + 16 * half);
  }
  for (int i = 0; i < n_units; ++i) {
    producer.next();
    const int unit = first_unit + i, tile = unit / L::kGroups, g = unit % L::kGroups;
    const UnpackedTile<L>& w = block.tiles[tile];
    const __m512 scale[2] = {_mm512_load_ps(w.scale[g]), _mm512_load_ps(w.scale[g] + 16)};
    __m512 min[2] = {};
    if constexpr (L::kHasMin) {
      min[0] = _mm512_load_ps(w.min[g]);
      min[1] = _mm512_load_ps(w.min[g] + 16);
    }
#pragma GCC unroll 8
    for (int t = 0; t < kTokens; ++t) {
      const __m512 x_scale = _mm512_set1_ps(x[t].scale[tile]);
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        acc[t][half] = add_product<L, false>(acc[t][half], products[i].dot[half][row + t],
                                             scale[half], min[half], x_scale, x[t].sum + unit);
      }
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < kTokens; ++t) {
    for (int half = 0; half < 2; ++half)
      _mm512_storeu_ps(y + t * block.y_stride + 16 * half, acc[t][half]);
  }
}

// The same for any number of tokens, at most 16.
template <typename T, typename L>
static inline void add_units_to(const SuperBlock<L>& block, int first_unit, int n_units,
                                const Products* products, int row, std::int64_t token,
                                std::int64_t n, Producer<T, L>& producer) {
  for (; n >= 8; n -= 8, row += 8, token += 8)
    add_units<T, L, 8>(block, first_unit, n_units, products, row, token, producer);
  for (; n >= 3; n -= 3, row += 3, token += 3)
    add_units<T, L, 3>(block, first_unit, n_units, products, row, token, producer);
  for (; n >= 1; --n, ++row, ++token)
    add_units<T, L, 1>(block, first_unit, n_units, products, row, token, producer);
}

// What a panel kernel keeps on the stack.
template <typename L>
struct Workspace {
  UnpackedTile<L> tiles[kSuperTiles];
  Products products[2 * kPartUnits];  // made, and being made
  TokenScales<L> scales[kMaxPanelTokens];
  alignas(64) std::int8_t q[kMaxPanelTokens][kSuperTiles * kTileCols];  // of rows without order
};

// Main planes: item after item, a part of the units times a tile of tokens; the next one is made
// while one is scaled. `ahead`: fetched meanwhile, n_ahead bytes.
template <typename T, typename L>
static inline void multiply_main(T& tiles, const SuperBlock<L>& block, int n_units,
                                 const TokenTiles& tokens, Workspace<L>& work, const byte* ahead,
                                 int n_ahead) {
  const auto n_parts = (n_units + kPartUnits - 1) / kPartUnits;
  const std::int64_t n_items = n_parts * tokens.n;
  const auto units_of = [&](std::int64_t item) {
    const int first = static_cast<int>(item / tokens.n) * kPartUnits;
    return n_units - first < kPartUnits ? n_units - first : kPartUnits;
  };
  Producer<T, L> producer(tiles, block);
  const auto begin = [&](std::int64_t item) {
    producer.begin(tokens.begin(item % tokens.n), static_cast<int>(item / tokens.n) * kPartUnits,
                   units_of(item), work.products + item % 2 * kPartUnits);
  };
  begin(0);
  producer.finish();
  const auto share = static_cast<int>((n_ahead + n_items - 1) / n_items);
  for (std::int64_t item = 0; item < n_items; ++item, ahead += share) {
    panels::prefetch(ahead, share);
    if (item + 1 < n_items) begin(item + 1);
    const std::int64_t first = item % tokens.n * tokens.width;
    const std::int64_t n =
        tokens.n_tokens - first < tokens.width ? tokens.n_tokens - first : tokens.width;
    const auto row = static_cast<int>(first - tokens.begin(item % tokens.n));
    add_units_to<T, L>(block, static_cast<int>(item / tokens.n) * kPartUnits, units_of(item),
                       work.products + item % 2 * kPartUnits, row, first, n, producer);
    producer.finish();
  }
}

// Up to 16 residual groups of one tile.
struct ResidualItem {
  int tile;
  std::int64_t first;  // of the call's groups
  int n;
};

template <typename T, typename L>
static inline void make_residual(T& tiles, const UnpackedTile<L>& w, const ResidualGroup* groups,
                                 Products* out) {
  for (int g = 0; g < L::kGroups; ++g) {
    const int line = g * (L::kGroup / 4);
    tiles.template load<7>(groups->q + L::kGroup * g, sizeof(ResidualGroup));
    tiles.template load<3>(w.quants[0][line], 64);
    tiles.template load<4>(w.quants[1][line], 64);
    tiles.template zero<5>();
    tiles.template zero<6>();
    tiles.template dot_i8<5, 7, 3, kSigned<L>>();
    tiles.template dot_i8<6, 7, 4, kSigned<L>>();
    tiles.template store<5>(out[g].dot[0], 64);
    tiles.template store<6>(out[g].dot[1], 64);
  }
}

template <typename L>
static inline void add_residual(const SuperBlock<L>& block, const UnpackedTile<L>& w,
                                const ResidualGroup* groups, int n, const Products* products) {
  for (int half = 0; half < 2; ++half) {
    __m512 scale[L::kGroups], min[L::kGroups] = {};
    for (int g = 0; g < L::kGroups; ++g) {
      scale[g] = _mm512_load_ps(w.scale[g] + 16 * half);
      if constexpr (L::kHasMin) min[g] = _mm512_load_ps(w.min[g] + 16 * half);
    }
    for (int i = 0; i < n; ++i) {
      const ResidualGroup& group = groups[i];
      float* y = block.y + group.token * block.y_stride + 16 * half;
      const __m512 x_scale = _mm512_set1_ps(group.scale);
      __m512 acc = _mm512_loadu_ps(y);
      for (int g = 0; g < L::kGroups; ++g) {
        const auto sum = static_cast<float>(group.sum[g]);
        acc = add_product<L, true>(acc, products[g].dot[half][i], scale[g], min[g], x_scale, &sum);
      }
      _mm512_storeu_ps(y, acc);
    }
  }
}

// Residual planes, tile by tile in ascending order; products are made some items ahead.
template <typename T, typename L>
static inline void multiply_residuals(T& tiles, const SuperBlock<L>& block, int n_tiles,
                                      const Residuals& residuals, std::int64_t first_tile,
                                      Products* products) {
  constexpr int kSlots = 8 / L::kGroups, kAhead = kSlots / 2;
  ResidualItem items[kSuperTiles * kMaxPanelTokens / kTileTokens];
  int n_items = 0;
  for (int tile = 0; tile < n_tiles; ++tile) {
    const std::int64_t end = residuals.first[first_tile + tile + 1];
    for (std::int64_t at = residuals.first[first_tile + tile]; at < end; at += kTileTokens) {
      const auto n = static_cast<int>(end - at < kTileTokens ? end - at : kTileTokens);
      items[n_items++] = {tile, at, n};
    }
  }
  for (int i = 0; i < n_items + kAhead; ++i) {
    if (i < n_items) {
      make_residual<T, L>(tiles, block.tiles[items[i].tile], residuals.groups + items[i].first,
                          products + i % kSlots * L::kGroups);
    }
    if (i < kAhead) continue;
    const ResidualItem& item = items[i - kAhead];
    add_residual<L>(block, block.tiles[item.tile], residuals.groups + item.first, item.n,
                    products + (i - kAhead) % kSlots * L::kGroups);
  }
}

// Whether rows of activations stand at equal distances, so that tiles can be loaded from there.
static inline bool is_even(const QuantisedRow* x, std::int64_t n_tokens) {
  const std::int64_t stride = x[1].main.q - x[0].main.q;
  for (std::int64_t t = 2; t < n_tokens; ++t) {
    if (x[t].main.q - x[t - 1].main.q != stride) return false;
  }
  return true;
}

// n_tokens >= 2.
template <typename T, typename L>
static void panel_times_many(const byte* panel, std::int64_t k, const QuantisedRow* x,
                             const Residuals& residuals, std::int64_t n_tokens, float* y,
                             std::int64_t y_stride) {
  Workspace<L> work;
  for (std::int64_t t = 0; t < n_tokens; ++t) {
    for (int half = 0; half < 2; ++half)
      _mm512_storeu_ps(y + t * y_stride + 16 * half, _mm512_setzero_ps());
  }
  const TokenTiles tokens(n_tokens);
  const bool even = is_even(x, n_tokens);
  T tiles;
  set_shapes<L>(tiles, tokens.width);
  const std::int64_t n_tiles = k / kTileCols;
  const byte* header = panel;
  for (std::int64_t first = 0; first < n_tiles; first += kSuperTiles) {
    const byte* tile = header + L::kHeaderBytes;
    const int n = static_cast<int>(n_tiles - first < kSuperTiles ? n_tiles - first : kSuperTiles);
    for (int i = 0; i < n; ++i) unpack_tile<L>(header, tile + i * L::kTileBytes, work.tiles[i]);
    header = tile + n * L::kTileBytes;
    for (std::int64_t t = 0; t < n_tokens; ++t) {
      copy_scales<L>(x[t], first, n, work.scales[t]);
      if (!even) __builtin_memcpy(work.q[t], x[t].main.q + kTileCols * first, kTileCols * n);
    }
    const SuperBlock<L> block = {work.tiles,
                                 even ? x[0].main.q + kTileCols * first : work.q[0],
                                 even ? x[1].main.q - x[0].main.q : std::int64_t{sizeof work.q[0]},
                                 work.scales,
                                 y,
                                 y_stride};
    multiply_main(tiles, block, n * L::kGroups, tokens, work, header, n * L::kTileBytes);
    multiply_residuals(tiles, block, n, residuals, first, work.products);
  }
  tiles.release();
}

}  // namespace tinyllm::amx

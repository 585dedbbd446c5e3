#pragma once
// The tile formats (layout/tile_format.h draws them) for instruction sets that multiply 4 bytes by
// 4 bytes and add the products to an int32 in one step: vpdpbusd of AVX-VNNI and AVX-512 VNNI, sdot
// of Arm. Nothing can overflow on the way. A register holds kRows rows x 4 columns.
//
// The headers of this folder are panel kernels for any of them. AVX-512 takes the formats only: its
// own kernels are a few percent faster. V stands for the instruction set, a struct of static
// functions over its registers:
//   kRows            rows (int32, f32) a register: 4, 8 or 16
//   kPassRows        rows and
//   kPassTokens      tokens that go through a tile together in token_sweep.h
//   kFewTokens       so many are faster through few_tokens.h
//   kFloatTokens     the same in float_panels.h
//   kSignedOffset    what flip_sign adds to quants that are signed in the tile
//   Bytes            kRows x 4 quants: load, low_nibbles, high_nibbles, with_upper_bits, flip_sign
//   Columns          16 activations: load_columns
//   Ints             begin, zero, add, and dot<i>(sum, quants, columns): += the 4 columns from 4 i
//   Floats           load_f32, load_f16, load_bf16, load_u8, load_i8, store, broadcast, mul,
//                    fma(a, b, c) = a b + c, fnma = c - a b, to_floats(Ints)
//   pin              keeps the compiler from reordering additions into a sum, see token_sweep.h
// V and everything here has internal linkage: each file keeps its own copy (flags of its own).

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/layout/quantised_row.h"
#include "kernels/cpu/layout/tile_geometry.h"

namespace tinyllm::panels {

using std::byte;

enum class Quant { nibbles, six_bits, bytes, signed_bytes };

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
using W8S = Layout<Quant::signed_bytes, 32, false, false, 0>;
using W8A = Layout<Quant::bytes, 32, false, true, 0>;
using W8K = Layout<Quant::bytes, 32, true, true, 0>;

// Registers of kRows rows in a panel.
template <typename V>
constexpr int kRegisters = static_cast<int>(kTileRows) / V::kRows;

// Where the quants of register j begin: its part of the first line of its half.
template <typename V, typename L>
[[gnu::always_inline]] static inline const byte* quants_of(const byte* tile, int j) {
  const int row = V::kRows * j;
  return tile + L::kQuantsBegin + row / 16 * L::kHalfBytes + 4 * (row % 16);
}

// The 4 columns from 4 i on of the rows whose quants begin at `quants`, as the dot product wants
// them. i is known at compile time, once the loop around it is unrolled.
template <typename V, typename L>
[[gnu::always_inline]] static inline typename V::Bytes unpack_line(const byte* quants, int i) {
  if constexpr (L::kQuant == Quant::bytes) return V::load(quants + 64 * i);
  if constexpr (L::kQuant == Quant::signed_bytes) return V::flip_sign(V::load(quants + 64 * i));
  const auto both = V::load(quants + 64 * (i % 4));
  const auto low = i < 4 ? V::low_nibbles(both) : V::high_nibbles(both);
  if constexpr (L::kQuant == Quant::six_bits) {
    const auto upper = V::load(quants + 256 + 64 * (i % 4 / 2));
    switch (i / 4 * 2 + i % 2) {
      case 0: return V::template with_upper_bits<0>(low, upper);
      case 1: return V::template with_upper_bits<1>(low, upper);
      case 2: return V::template with_upper_bits<2>(low, upper);
      default: return V::template with_upper_bits<3>(low, upper);
    }
  }
  return low;
}

// All 8 lines.
template <typename V, typename L>
[[gnu::always_inline]] static inline void unpack_lines(const byte* quants,
                                                       typename V::Bytes (&lines)[8]) {
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) lines[i] = unpack_line<V, L>(quants, i);
}

// Scales of register j's rows for group g. `array`: where the tile's scales (or mins) begin,
// `header`: where its super-scales (or super-mins) do.
template <typename V, typename L>
[[gnu::always_inline]] static inline typename V::Floats load_scale(const byte* header,
                                                                   const byte* array, int j,
                                                                   int g) {
  if constexpr (!L::kSuper) {
    return V::load_f16(array + 2 * V::kRows * j);
  } else {
    const byte* at = array + kTileRows * g + V::kRows * j;
    return V::mul(V::load_f16(header + 2 * V::kRows * j),
                  L::kHasMin ? V::load_u8(at) : V::load_i8(at));
  }
}

template <typename V, typename L>
[[gnu::always_inline]] static inline typename V::Floats load_min(const byte* header,
                                                                 const byte* tile, int j, int g) {
  return load_scale<V, L>(header + 2 * kTileRows, tile + L::kScalesBytes, j, g);
}

// What the dot product finds added to the format's quants.
template <typename V, typename L>
constexpr int kOffsetOf = L::kQuant == Quant::signed_bytes ? V::kSignedOffset : L::kOffset;

// Where the int32 sum over group g begins: minus what the quants' offset will have added.
// x_sum: of the tile's two groups of 16.
template <typename V, int kGroups, int kOffset>
[[gnu::always_inline]] static inline typename V::Ints begin_sum(const std::int16_t* x_sum, int g) {
  if constexpr (kOffset == 0) return V::begin(0);
  return V::begin(-kOffset * (kGroups == 2 ? x_sum[g] : x_sum[0] + x_sum[1]));
}

// sum += 16 columns of 4 registers times as many activations.
template <typename V>
[[gnu::always_inline]] static inline typename V::Ints dot_16(typename V::Ints sum,
                                                             const typename V::Bytes* lines,
                                                             typename V::Columns x) {
  sum = V::template dot<0>(sum, lines[0], x);
  sum = V::template dot<1>(sum, lines[1], x);
  sum = V::template dot<2>(sum, lines[2], x);
  return V::template dot<3>(sum, lines[3], x);
}

// Fetches n bytes from `at` on into the first-level cache. g++ 12 takes a loop of prefetches for
// one without effect and drops it: the empty assembly keeps it.
[[gnu::always_inline]] static inline void prefetch(const byte* at, int n) {
  for (int line = 0; line < n; line += 64) {
    __builtin_prefetch(at + line);
    asm volatile("");
  }
}

}  // namespace tinyllm::panels

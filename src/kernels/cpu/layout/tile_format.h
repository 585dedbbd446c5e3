#pragma once
// The layout in which the CPU engine keeps weights: tiles of 32 rows x 32 columns, so that a
// register holds several rows and no kernel ever sums across a register. One geometry for every
// format and instruction set.
//
//   matrix   panels of 32 rows, one after another (the last one padded with zero rows)
//   panel    tiles along k, one linear stream: [header] tile 0, tile 1, ...
//   tile     scales, mins, then the quants: half 0 (rows 0..15), half 1 (rows 16..31)
//   half     lines of 64 bytes; byte 4 r + c of a line belongs to row r of the half
//              8 bit: line i (0..7) holds columns 4 i + c, signed
//              4 bit: line i (0..3) holds columns 4 i + c in the low nibble, 16 + 4 i + c in the
//              high one
//              6 bit: 4 such lines of low nibbles, then 2 lines of upper bits: a byte of line p
//              holds 2 bits each of columns 8 p + c, 8 p + 4 + c, 16 + 8 p + c, 16 + 8 p + 4 + c,
//              lowest first
//   floats   [32 columns][32 rows] of f32, f16 or bf16, no scales; bf16_pairs: [16 pairs of columns]
//            [32 rows][2], the last pair of an odd row with a zero
//
// value(row, k) = scale * (q - offset) - min, exactly the file format's value in f32. A group of 32
// has an f16 scale. In k-quants a group of 16 or 32 has a byte, times an f16 super-scale of the
// row's 256 columns, which stands in a header before every 8 tiles. Each file format repacks
// exactly into one tile format.

#include <cstdint>

namespace tinyllm {

inline constexpr std::int64_t kTileRows = 32;
inline constexpr std::int64_t kTileCols = 32;
inline constexpr std::int64_t kSuperTiles = 8;  // tiles under one header of super-scales

// Columns of the tiles that hold n columns.
static inline std::int64_t whole_tiles(std::int64_t n) {
  return (n + kTileCols - 1) / kTileCols * kTileCols;
}

// Rows of the panels that hold n rows.
static inline std::int64_t whole_panels(std::int64_t n) {
  return (n + kTileRows - 1) / kTileRows * kTileRows;
}

enum class TileFormat : std::uint8_t {
  f32,
  f16,
  bf16,
  bf16_pairs,  // bf16, where the CPU multiplies pairs
  w4s,         // 4 bit, offset 8, f16 scale           q4_0
  w4a,         // 4 bit, f16 scale and min             q4_1
  w4k,         // 4 bit, super-scaled u8 scale and min q4_k
  w4k16,       // the same in groups of 16             q2_k
  w8s,         // 8 bit, f16 scale                     q8_0, q5_0, iq4_nl
  w8a,         // 8 bit, f16 scale and min             q5_1
  w8k,         // 8 bit, super-scaled u8 scale and min q5_k
  w6k16,       // 6 bit, offset 32, super-scaled i8 scale, groups of 16, no min  q6_k, q3_k
};
inline constexpr int kNumTileFormats = 12;

}  // namespace tinyllm

#pragma once
// Where things stand in a tile (tile_format.h draws it), as plain index arithmetic: for packing,
// for unpacking and for the scalar kernels. ISA folders have their own.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/cpu/layout/tile.h"
#include "tensor/float16.h"

namespace tinyllm {

// Byte offsets of tile t, and of the header over it, from the panel's begin.
inline std::int64_t header_offset(const TileInfo& layout, std::int64_t t) {
  return t / kSuperTiles * (layout.header_bytes + kSuperTiles * layout.tile_bytes);
}
inline std::int64_t tile_offset(const TileInfo& layout, std::int64_t t) {
  return (t / kSuperTiles + 1) * layout.header_bytes + t * layout.tile_bytes;
}

// The three parts of a tile. Byte is std::byte or const std::byte.
template <typename Byte>
struct TileParts {
  Byte* scales;  // [groups][32] bytes, or [32] f16
  Byte* mins;    // the same; where quants begin when there are none
  Byte* quants;

  TileParts(const TileInfo& layout, Byte* tile) : scales(tile), mins(tile), quants(tile) {
    const std::int64_t scales_bytes =
        layout.groups.super_scaled ? kTileRows * (kTileCols / layout.groups.n_cols) : 2 * kTileRows;
    mins += scales_bytes;
    quants += scales_bytes * (layout.groups.has_min ? 2 : 1);
  }
};

// Where the byte of quant (row, col) is, from the quants' begin. With 4 and 6 bits the columns from
// 16 on are the high nibbles.
inline std::int64_t quant_byte(int bits, std::int64_t row, int col) {
  const int col_in_lines = bits == 8 ? col : col % 16;
  const std::int64_t half_bytes = bits * 64;
  return row / 16 * half_bytes + col_in_lines / 4 * 64 + row % 16 * 4 + col_in_lines % 4;
}

// The byte of the upper two bits of a 6-bit quant, and where in it they stand.
inline std::int64_t upper_byte(std::int64_t row, int col) {
  return row / 16 * 384 + 256 + col % 16 / 8 * 64 + row % 16 * 4 + col % 4;
}
inline int upper_shift(int col) { return col / 16 * 4 + col % 8 / 4 * 2; }

// The quant less its offset.
inline int quant_at(const TileInfo& layout, const std::byte* tile, std::int64_t row, int col) {
  const TileParts<const std::byte> parts(layout, tile);
  const auto byte = static_cast<int>(parts.quants[quant_byte(layout.groups.bits, row, col)]);
  if (layout.groups.bits == 8) return static_cast<std::int8_t>(byte);
  const int nibble = byte >> (col < 16 ? 0 : 4) & 15;
  if (layout.groups.bits == 4) return nibble - layout.groups.offset;
  const auto upper = static_cast<int>(parts.quants[upper_byte(row, col)]);
  return (nibble | (upper >> upper_shift(col) & 3) << 4) - layout.groups.offset;
}

inline void store_f16(std::byte* array, std::int64_t i, std::uint16_t bits) {
  std::memcpy(array + 2 * i, &bits, sizeof bits);
}
inline float load_f16(const std::byte* array, std::int64_t i) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, array + 2 * i, sizeof bits);
  return f16_to_f32(bits);
}

// Where element (row, col) of a float panel stands, in elements.
inline std::int64_t float_index(TileFormat format, std::int64_t row, std::int64_t col) {
  if (format != TileFormat::bf16_pairs) return col * kTileRows + row;
  return (col / 2 * kTileRows + row) * 2 + col % 2;
}

// Element (row, col) of a float panel.
inline float float_element(TileFormat format, const std::byte* panel, std::int64_t row,
                           std::int64_t col) {
  const std::int64_t i = float_index(format, row, col);
  if (format == TileFormat::f16) return load_f16(panel, i);
  float value = 0.0f;
  if (format == TileFormat::f32) {
    std::memcpy(&value, panel + 4 * i, sizeof value);
  } else {
    std::uint16_t bits = 0;
    std::memcpy(&bits, panel + 2 * i, sizeof bits);
    value = bf16_to_f32(bits);
  }
  return value;
}

struct GroupScale {
  float scale, min;
};

// Scale and min of a row's group g (always 0 in groups of 32).
inline GroupScale group_scale(const TileInfo& layout, const std::byte* header,
                              const std::byte* tile, std::int64_t row, int g) {
  const TileParts<const std::byte> parts(layout, tile);
  if (!layout.groups.super_scaled) {
    return {load_f16(parts.scales, row), layout.groups.has_min ? load_f16(parts.mins, row) : 0.0f};
  }
  const auto scale = static_cast<std::uint8_t>(parts.scales[g * kTileRows + row]);
  if (!layout.groups.has_min) {
    return {load_f16(header, row) * static_cast<float>(static_cast<std::int8_t>(scale)), 0.0f};
  }
  const auto min = static_cast<std::uint8_t>(parts.mins[g * kTileRows + row]);
  return {load_f16(header, row) * static_cast<float>(scale),
          load_f16(header + 2 * kTileRows, row) * static_cast<float>(min)};
}

}  // namespace tinyllm

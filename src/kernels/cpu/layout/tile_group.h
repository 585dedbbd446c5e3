#pragma once
// 32 weights of one row as integers with their scales: the step between a file format and a tile.

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/layout/tile.h"

namespace tinyllm {

// value(k) = scale * (q[k] - offset) - min, with scale and min as TileInfo of the tile format says.
struct TileGroup {
  std::int8_t q[kTileCols];          // 4 bit: [0, 16); 6 bit: [0, 64); 8 bit: signed
  std::uint16_t scale = 0, min = 0;  // binary16 bits; of the header when super-scaled
  std::uint8_t group_scale[2] = {};  // super-scaled: one a group (both halves in groups of 16);
  std::uint8_t group_min[2] = {};    //   w6k16's scales are signed bytes
};

// The columns [32 tile_idx, 32 tile_idx + 32) of a row stored as `dtype` (a block format, not
// floats).
TileGroup read_tile_group(DType dtype, const std::byte* row, std::int64_t tile_idx);

}  // namespace tinyllm

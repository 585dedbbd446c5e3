#pragma once
// Tiles (tile_format.h draws them): what each format is, and the exact repack from file formats.

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/layout/tile_format.h"
#include "quant/weight_group.h"
#include "tensor/dtype.h"
#include "tensor/tensor.h"

namespace tinyllm {

struct TileInfo {
  const char* name;
  GroupFormat groups;         // not of floats
  std::int64_t tile_bytes;    // scales, mins and quants of one tile
  std::int64_t header_bytes;  // before every kSuperTiles tiles; 0 unless super-scaled

  std::int64_t panel_bytes(std::int64_t n_cols) const {
    const std::int64_t n_tiles = n_cols / kTileCols;
    return n_tiles * tile_bytes + n_tiles / kSuperTiles * header_bytes;
  }
};

const TileInfo& info(TileFormat format);
TileFormat tile_format_for(DType dtype);
inline bool is_float(TileFormat format) { return format <= TileFormat::bf16; }

// Repacks rows [first_row, first_row + 32) of `matrix` (short panels are padded) into dst,
// info(format).panel_bytes(n_cols) bytes. n_cols must be a multiple of 32, and of 256 for k-quants.
void pack_panel(const Tensor& matrix, std::int64_t first_row, std::byte* dst);

// Row `row` of a panel back to f32, [n_cols]: embedding lookups read the packed head.
void unpack_row(TileFormat format, const std::byte* panel, std::int64_t row, std::int64_t n_cols,
                float* dst);

}  // namespace tinyllm

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
};

const TileInfo& info(TileFormat format);
// bf16_pairs: how bf16 is kept.
TileFormat tile_format_for(DType dtype, bool bf16_pairs = false);
inline bool is_float(TileFormat format) { return format <= TileFormat::bf16_pairs; }

// Bytes of a panel. n_cols must be a multiple of 32, and of 256 for k-quants; of floats any number.
std::int64_t panel_bytes(TileFormat format, std::int64_t n_cols);

// Repacks rows [first_row, first_row + 32) of `matrix` (short panels are padded) into dst,
// panel_bytes(format, n_cols) bytes. `format` is one for the matrix's type.
void pack_panel(const Tensor& matrix, TileFormat format, std::int64_t first_row, std::byte* dst);

// Row `row` of a panel back to f32, [n_cols]: embedding lookups read the packed head.
void unpack_row(TileFormat format, const std::byte* panel, std::int64_t row, std::int64_t n_cols,
                float* dst);

}  // namespace tinyllm

#include "kernels/cpu/layout/tile.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "kernels/cpu/layout/tile_layout.h"

namespace tinyllm {
namespace {

constexpr std::array<TileInfo, kNumTileFormats> kInfo = {{
    {"f32", {}, 4096, 0},
    {"f16", {}, 2048, 0},
    {"bf16", {}, 2048, 0},
    {"bf16_pairs", {}, 2048, 0},
    {"w4s", group_format(DType::q4_0), 64 + 512, 0},
    {"w4a", group_format(DType::q4_1), 64 + 64 + 512, 0},
    {"w4k", group_format(DType::q4_k), 32 + 32 + 512, 128},
    {"w4k16", group_format(DType::q2_k), 64 + 64 + 512, 128},
    {"w8s", group_format(DType::q8_0), 64 + 1024, 0},
    {"w8a", group_format(DType::q5_1), 64 + 64 + 1024, 0},
    {"w8k", group_format(DType::q5_k), 32 + 32 + 1024, 128},
    {"w6k16", group_format(DType::q6_k), 64 + 768, 64},
}};

// One row's 32 quants into their places, 4 columns at a time: loading a model is mostly this.
void store_quants(int bits, const std::int8_t* q, std::int64_t row, std::byte* quants) {
  const auto nibble = [q](int col) { return q[col] & 15; };
  const auto upper = [q](int col) { return q[col] >> 4; };
  for (int i = 0; i < (bits == 8 ? 8 : 4); ++i) {
    std::byte* line = quants + quant_byte(bits, row, 4 * i);
    for (int c = 0; c < 4; ++c) {
      const int col = 4 * i + c;
      line[c] = static_cast<std::byte>(bits == 8 ? q[col] : nibble(col) | nibble(16 + col) << 4);
    }
  }
  if (bits != 6) return;
  for (int p = 0; p < 2; ++p) {
    std::byte* line = quants + upper_byte(row, 8 * p);
    for (int c = 0; c < 4; ++c) {
      const int col = 8 * p + c;
      line[c] = static_cast<std::byte>(upper(col) | upper(col + 4) << 2 | upper(col + 16) << 4 |
                                       upper(col + 20) << 6);
    }
  }
}

// One row's 32 weights into their places of a tile.
void store_group(TileFormat format, const WeightGroup& group, std::int64_t row, std::byte* header,
                 std::byte* tile) {
  const TileInfo& layout = info(format);
  const TileParts<std::byte> parts(layout, tile);
  if (layout.groups.super_scaled) {
    store_f16(header, row, group.scale);
    if (layout.groups.has_min) store_f16(header + 2 * kTileRows, row, group.min);
    for (int g = 0; g < kTileCols / layout.groups.n_cols; ++g) {
      parts.scales[g * kTileRows + row] = std::byte{group.group_scale[g]};
      if (layout.groups.has_min) parts.mins[g * kTileRows + row] = std::byte{group.group_min[g]};
    }
  } else {
    store_f16(parts.scales, row, group.scale);
    if (layout.groups.has_min) store_f16(parts.mins, row, group.min);
  }
  store_quants(layout.groups.bits, group.q, row, parts.quants);
}

void pack_float_panel(const Tensor& matrix, TileFormat format, std::int64_t first_row,
                      std::byte* dst) {
  const std::int64_t element = info(matrix.dtype).block_bytes;
  std::memset(dst, 0, panel_bytes(format, matrix.n_cols()));
  for (std::int64_t r = 0; r < std::min(kTileRows, matrix.n_rows() - first_row); ++r) {
    const std::byte* row = matrix.row(first_row + r);
    for (std::int64_t k = 0; k < matrix.n_cols(); ++k) {
      std::memcpy(dst + float_index(format, r, k) * element, row + k * element, element);
    }
  }
}

}  // namespace

const TileInfo& info(TileFormat format) { return kInfo[static_cast<std::size_t>(format)]; }

TileFormat tile_format_for(DType dtype, bool bf16_pairs) {
  switch (dtype) {
    case DType::f32: return TileFormat::f32;
    case DType::f16: return TileFormat::f16;
    case DType::bf16: return bf16_pairs ? TileFormat::bf16_pairs : TileFormat::bf16;
    case DType::q4_0: return TileFormat::w4s;
    case DType::q4_1: return TileFormat::w4a;
    case DType::q4_k: return TileFormat::w4k;
    case DType::q2_k: return TileFormat::w4k16;
    case DType::q8_0:
    case DType::q5_0:
    case DType::iq4_nl: return TileFormat::w8s;
    case DType::q5_1: return TileFormat::w8a;
    case DType::q5_k: return TileFormat::w8k;
    case DType::q6_k:
    case DType::q3_k: return TileFormat::w6k16;
  }
  CHECK(false, "dtype {}", static_cast<int>(dtype));
}

std::int64_t panel_bytes(TileFormat format, std::int64_t n_cols) {
  const TileInfo& layout = info(format);
  const std::int64_t n_tiles = n_cols / kTileCols;
  if (!is_float(format))
    return n_tiles * layout.tile_bytes + n_tiles / kSuperTiles * layout.header_bytes;
  const std::int64_t n_kept = format == TileFormat::bf16_pairs ? (n_cols + 1) / 2 * 2 : n_cols;
  return n_kept * (layout.tile_bytes / kTileCols);
}

void pack_panel(const Tensor& matrix, TileFormat format, std::int64_t first_row, std::byte* dst) {
  if (is_float(format)) return pack_float_panel(matrix, format, first_row, dst);
  const std::int64_t n_tiles = matrix.n_cols() / kTileCols;
  std::memset(dst, 0, panel_bytes(format, matrix.n_cols()));
  for (std::int64_t r = 0; r < std::min(kTileRows, matrix.n_rows() - first_row); ++r) {
    const std::byte* row = matrix.row(first_row + r);
    for (std::int64_t t = 0; t < n_tiles; ++t) {
      store_group(format, read_group(matrix.dtype, row, t), r, dst + header_offset(info(format), t),
                  dst + tile_offset(info(format), t));
    }
  }
}

void unpack_row(TileFormat format, const std::byte* panel, std::int64_t row, std::int64_t n_cols,
                float* dst) {
  const TileInfo& layout = info(format);
  if (is_float(format)) {
    for (std::int64_t k = 0; k < n_cols; ++k) dst[k] = float_element(format, panel, row, k);
    return;
  }
  for (std::int64_t k = 0; k < n_cols; ++k) {
    const std::int64_t t = k / kTileCols;
    const int col = static_cast<int>(k % kTileCols);
    const GroupScale scale =
        group_scale(layout, panel + header_offset(layout, t), panel + tile_offset(layout, t), row,
                    col / layout.groups.n_cols);
    const int q = quant_at(layout, panel + tile_offset(layout, t), row, col);
    dst[k] = scale.scale * static_cast<float>(q) - scale.min;
  }
}

}  // namespace tinyllm

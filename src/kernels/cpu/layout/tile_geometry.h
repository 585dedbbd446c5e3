#pragma once
// Byte offsets within a panel at compile time: what the panel kernels of all instruction sets share
// (layout/tile_format.h draws the tiles; tile_layout.h has the same at run time).

#include "kernels/cpu/layout/tile_format.h"

namespace tinyllm {

template <int kBits, int kGroupCols, bool kSuperScaled, bool kWithMin>
struct TileGeometry {
  static constexpr int kGroup = kGroupCols;
  static constexpr int kGroups = kTileCols / kGroupCols;
  static constexpr bool kSuper = kSuperScaled;
  static constexpr bool kHasMin = kWithMin;

  static constexpr int kScalesBytes = kSuper ? kTileRows * kGroups : 2 * kTileRows;
  static constexpr int kQuantsBegin = kScalesBytes * (kHasMin ? 2 : 1);
  static constexpr int kHalfBytes = 64 * kBits;  // 16 rows
  static constexpr int kTileBytes = kQuantsBegin + 2 * kHalfBytes;
  static constexpr int kHeaderBytes = kSuper ? 2 * kTileRows * (kHasMin ? 2 : 1) : 0;
};

}  // namespace tinyllm

#pragma once
// Scratch of a product with quantised weights: the residual planes of its input rows, by blocks of
// at most kMaxPanelTokens rows, in the order in which panels meet them. In the rows themselves each group
// would cost a panel three cache lines. Sized once.

#include <cstdint>
#include <vector>

#include "kernels/cpu/layout/quantised_row.h"
#include "tensor/buffer.h"

namespace tinyllm {

class ResidualBlocks {
 public:
  ResidualBlocks() = default;
  // For products of at most max_rows rows of at most max_cols columns, a multiple of 32, in at most
  // max_blocks blocks.
  ResidualBlocks(std::int64_t max_blocks, std::int64_t max_rows, std::int64_t max_cols);

  // Collects the residuals of `rows`, [n_rows] of [n_cols], at most kMaxPanelTokens, as block
  // `block`; they are rows first_row and following of the product. Several threads may collect
  // different blocks.
  void collect(std::int64_t block, std::int64_t first_row, const QuantisedRow* rows,
               std::int64_t n_rows, std::int64_t n_cols);
  const Residuals& operator[](std::int64_t block) const { return blocks_[block]; }

 private:
  Buffer first_;   // [max_blocks, max_cols / 32 + 1] i32: Residuals::first
  Buffer groups_;  // [max_rows, max_cols / 32] ResidualGroup, of which few are used
  std::vector<Residuals> blocks_;
  std::int64_t max_tiles_ = 0;
};

}  // namespace tinyllm

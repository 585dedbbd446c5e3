#pragma once
// Input rows of a matmul: f32 values and, for quantised weights, the same rows as int8. Sized once.

#include <cstdint>
#include <vector>

#include "kernels/cpu/row_kernels.h"
#include "tensor/buffer.h"

namespace tinyllm {

class Activations {
 public:
  Activations() = default;
  // Rows are padded to whole tiles of 32 columns; the padding is and stays 0.
  Activations(std::int64_t max_rows, std::int64_t n_cols);

  float* row(std::int64_t t) { return values_.as<float>().data() + t * stride_; }
  std::int64_t stride() const { return stride_; }  // floats from a row to the next
  const QuantisedRow* quantised() const { return rows_.data(); }

  // Collects the residuals of those of the first n_rows rows that are in block `block`: rows
  // [block * kMaxPanelTokens, (block + 1) * kMaxPanelTokens). For residuals().
  void collect_residuals(std::int64_t block, std::int64_t n_rows);
  const Residuals& residuals(std::int64_t block) const {
    return residuals_[static_cast<std::size_t>(block)];
  }

  // Quantises row t from its values. split_above: see RowKernels::quantise_act.
  void quantise(const RowKernels& kernels, std::int64_t t, float split_above) {
    kernels.quantise_act(row(t), stride_, split_above, rows_[static_cast<std::size_t>(t)]);
  }

 private:
  std::int64_t stride_ = 0;
  Buffer values_;  // [max_rows, stride] f32
  Buffer bytes_;   // what rows_ points to
  std::vector<QuantisedRow> rows_;
  Buffer first_;   // [blocks, stride / 32 + 1] i32: Residuals::first
  Buffer groups_;  // [max_rows, stride / 32] ResidualGroup, of which few are used
  std::vector<Residuals> residuals_;  // a block
};

}  // namespace tinyllm

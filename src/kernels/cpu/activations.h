#pragma once
// Input rows of a matmul: f32 values and, for quantised weights, the same rows as int8. Sized once.

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/row_kernels.h"
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

  // Quantises the columns [begin, end) of row t, whole groups of 32, from its values.
  void quantise(const RowKernels& kernels, std::int64_t t, std::int64_t begin, std::int64_t end);

 private:
  std::int64_t stride_ = 0;
  Buffer values_;  // [max_rows, stride] f32
  Buffer q_;       // [max_rows, stride] int8
  Buffer scale_;   // [max_rows, stride / 32] f32
  Buffer sum_;     // [max_rows, stride / 16] i32
  std::vector<QuantisedRow> rows_;
};

}  // namespace tinyllm

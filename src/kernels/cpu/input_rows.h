#pragma once
// The left side of a matrix product: rows of f32 values, and the same rows in the forms that panels
// multiply: int8 for quantised weights, bf16 for pairs of bf16. Sized once.

#include <cstdint>
#include <vector>

#include "kernels/cpu/row_kernels.h"
#include "tensor/buffer.h"

namespace tinyllm {

// Which groups of a row keep a residual (RowKernels::quantise_act): usually those whose scale is
// 1.4 times the row's, about one in ten. The inputs of q, k, v and of the head pass their error on
// undamped and are small against the step: there 0.84 times, one in six to one in two.
inline constexpr float kUsualSplit = 2.0f, kFineSplit = 0.7f;

// In which forms weights read a row of activations.
struct RowForms {
  bool f32 = false, bf16 = false, int8 = false;

  // Whether any of them is made of the values (InputRows::convert).
  bool any_made() const { return bf16 || int8; }
  RowForms operator|(const RowForms& other) const {
    return {f32 || other.f32, bf16 || other.bf16, int8 || other.int8};
  }
};

class InputRows {
 public:
  InputRows() = default;
  // [max_rows, n_cols]. Rows are padded to whole tiles of 32 columns; the padding is and stays 0.
  InputRows(std::int64_t max_rows, std::int64_t n_cols);

  std::int64_t stride() const { return stride_; }  // floats from a row to the next
  float* row(std::int64_t t) { return values_.as<float>().data() + t * stride_; }
  const float* row(std::int64_t t) const { return values_.as<float>().data() + t * stride_; }
  const QuantisedRow* quantised() const { return quantised_.data(); }  // [max_rows]
  // [stride] bf16 each.
  const std::uint16_t* rounded(std::int64_t t) const {
    return rounded_.as<std::uint16_t>().data() + t * stride_;
  }

  // Makes the other forms of row t from its values. split_above: see RowKernels::quantise_act.
  void convert(const RowKernels& kernels, RowForms forms, std::int64_t t, float split_above) {
    convert(kernels, forms, t, split_above, stride_);
  }
  // The same for a row that has only n_cols columns now, a multiple of 32.
  void convert(const RowKernels& kernels, RowForms forms, std::int64_t t, float split_above,
               std::int64_t n_cols) {
    if (forms.int8) kernels.quantise_act(row(t), n_cols, split_above, quantised_[t]);
    if (forms.bf16) {
      kernels.round_act(row(t), n_cols, rounded_.as<std::uint16_t>().data() + t * stride_);
    }
  }

 private:
  std::int64_t stride_ = 0;
  Buffer values_;   // [max_rows, stride] f32
  Buffer rounded_;  // [max_rows, stride] bf16
  Buffer bytes_;    // what quantised_ points to
  std::vector<QuantisedRow> quantised_;
};

}  // namespace tinyllm

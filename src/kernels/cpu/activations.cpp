#include "kernels/cpu/activations.h"

#include <algorithm>

namespace tinyllm {

Activations::Activations(std::int64_t max_rows, std::int64_t n_cols)
    : stride_((n_cols + kTileCols - 1) / kTileCols * kTileCols),
      values_(max_rows * stride_ * 4, "activations"),
      q_(max_rows * stride_, "activations"),
      scale_(max_rows * stride_ / 32 * 4, "activations"),
      sum_(max_rows * stride_ / 16 * 4, "activations") {
  std::ranges::fill(values_.as<float>(), 0.0f);
  for (std::int64_t t = 0; t < max_rows; ++t) {
    rows_.push_back({q_.as<std::int8_t>().data() + t * stride_,
                     scale_.as<float>().data() + t * stride_ / 32,
                     sum_.as<std::int32_t>().data() + t * stride_ / 16});
  }
}

void Activations::quantise(const RowKernels& kernels, std::int64_t t, std::int64_t begin,
                           std::int64_t end) {
  const std::int64_t at = t * stride_ + begin;
  kernels.quantise_act(row(t) + begin, end - begin, q_.as<std::int8_t>().data() + at,
                       scale_.as<float>().data() + at / 32,
                       sum_.as<std::int32_t>().data() + at / 16);
}

}  // namespace tinyllm

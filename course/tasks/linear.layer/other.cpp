// Another way to linear.layer: a row at a time, its sums in double.
#include "kernels/cpu/scalar/linear.h"

#include <vector>

#include "quant/decode.h"

void tinyllm::scalar::linear(const float* x, std::int64_t n_tokens, const Tensor& weight,
                             const float* bias, float* out, std::int64_t row_begin,
                             std::int64_t row_end) {
  const std::int64_t n_k = weight.n_cols();
  std::vector<float> row(static_cast<std::size_t>(n_k));
  for (std::int64_t n = row_begin; n < row_end; ++n) {
    decode_row(weight.dtype, weight.row(n), row.data(), n_k);
    for (std::int64_t t = 0; t < n_tokens; ++t) {
      double sum = bias == nullptr ? 0.0 : double{bias[n]};
      for (std::int64_t k = 0; k < n_k; ++k)
        sum += double{x[t * n_k + k]} * double{row[static_cast<std::size_t>(k)]};
      out[t * weight.n_rows() + n] = static_cast<float>(sum);
    }
  }
}

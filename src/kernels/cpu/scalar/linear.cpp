#include "kernels/cpu/scalar/linear.h"

#include <algorithm>

#include "kernels/cpu/scalar/matmul.h"
#include "quant/decode.h"

namespace tinyllm::scalar {

namespace {
// Decoded weights: 8 rows x 1024 columns of f32 are 32 KiB, what a first-level cache holds. 1024 is
// a whole number of blocks in every format.
constexpr std::int64_t kTileRows = 8;
constexpr std::int64_t kTileCols = 1024;
}  // namespace

void linear(const float* x, std::int64_t n_tokens, const Tensor& weight, const float* bias,
            float* out, std::int64_t row_begin, std::int64_t row_end) {
  // >>> linear.layer
  const std::int64_t n_n = weight.n_rows();
  const std::int64_t n_k = weight.n_cols();
  alignas(64) float tile[kTileRows * kTileCols];

  for (std::int64_t t = 0; t < n_tokens; ++t) {
    for (std::int64_t n = row_begin; n < row_end; ++n) out[t * n_n + n] = bias ? bias[n] : 0.0f;
  }
  for (std::int64_t n0 = row_begin; n0 < row_end; n0 += kTileRows) {
    const std::int64_t n_tile_rows = std::min(kTileRows, row_end - n0);
    for (std::int64_t k0 = 0; k0 < n_k; k0 += kTileCols) {
      const std::int64_t n_tile_cols = std::min(kTileCols, n_k - k0);
      for (std::int64_t r = 0; r < n_tile_rows; ++r) {
        decode_row(weight.dtype, weight.row(n0 + r) + row_bytes(weight.dtype, k0),
                   tile + r * kTileCols, n_tile_cols);
      }
      matmul(x + k0, n_k, tile, kTileCols, out + n0, n_n, n_tokens, n_tile_rows, n_tile_cols);
    }
  }
  // <<< linear.layer
}

}  // namespace tinyllm::scalar

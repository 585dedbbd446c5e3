#pragma once
// launch_linear of each weight format: one file, one object each, since they compile slowly.

#include "kernels/cuda/linear.h"

namespace tinyllm::cuda {

// Rows of x that one launch takes. int4_k has no registers for the sums of 64.
constexpr std::int32_t max_linear_rows(WeightFormat format) {
  return format == WeightFormat::int4_k ? 32 : 64;
}

// Warps that share the columns of a row where all kernels must add them up in one order: warp k takes
// every n-th block of columns from the k-th on, and the warps' sums are added up in their order.
constexpr int fixed_k_warps(int n_blocks) {
  int n = 8;
  while (n > 1 && n_blocks < 2 * n) n /= 2;
  return n;
}

// Rows of x from which a product of that order, with bf16 weights, is done in tiles (tile_product.cuh).
inline constexpr std::int32_t kMinSlicedRows = 17;

using LaunchLinear = void(const DeviceContext& context, const LinearWeights& weights,
                          const LinearInput& input, std::int32_t n, const LinearOutput& output,
                          const LinearTuning& tuning);

LaunchLinear launch_linear_bf16, launch_linear_int8, launch_linear_int8_k, launch_linear_int8_min,
    launch_linear_int4, launch_linear_int4_k;

// bf16 weights, any number of rows, each with the bits that it has where the context is deterministic.
// Hopper's code only.
void launch_linear_tiles(const DeviceContext& context, const LinearWeights& weights,
                         const LinearInput& input, std::int32_t n, const LinearOutput& output);

}  // namespace tinyllm::cuda

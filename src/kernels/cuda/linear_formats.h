#pragma once
// launch_linear of each weight format: one file, one object each, since they compile slowly.

#include "kernels/cuda/linear.h"

namespace tinyllm::cuda {

// Rows of x that one launch takes. int4_k has no registers for the sums of 64.
constexpr std::int32_t max_linear_rows(WeightFormat format) {
  return format == WeightFormat::int4_k ? 32 : 64;
}

using LaunchLinear = void(const DeviceContext& context, const LinearWeights& weights,
                          const LinearInput& input, std::int32_t n, const LinearOutput& output,
                          const LinearTuning& tuning);

LaunchLinear launch_linear_bf16, launch_linear_int8, launch_linear_int8_k, launch_linear_int8_min,
    launch_linear_int4, launch_linear_int4_k;

}  // namespace tinyllm::cuda

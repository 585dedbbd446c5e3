// launch_linear for int4 weights.

#include "kernels/cuda/linear_formats.h"
#include "kernels/cuda/linear_kernel.cuh"

namespace tinyllm::cuda {

void launch_linear_int4(const DeviceContext& context, const LinearWeights& weights,
                        const LinearInput& input, std::int32_t n, const LinearOutput& output,
                        const LinearTuning& tuning) {
  launch_format<Int4Blocks>(context, weights, input, n, output, tuning);
}

}  // namespace tinyllm::cuda
